import { crc32 } from 'node:zlib';
import type { SnapshotMetadata } from '#libs/raft';
import { ByteReader, ByteWriter } from '../bytes.js';
import { readSnapshotMetadata, writeSnapshotMetadata } from '../configuration-codec.js';
import { nodeDisk } from '../environment/disk.js';
import type { Disk } from '../environment/disk.js';
import { nodeEnvironment } from '../environment/environment.js';
import type { Environment } from '../environment/environment.js';
import { syncDirectory } from '../log/segment.js';

// header: magic 8, length of the metadata u32, its CRC u32, metadata; then chunks, each behind its
// length u32; a length of 0 ends them; then the CRC of all chunk bytes u32 and the magic again.
const magic = Buffer.from('TRIRSNP1', 'latin1');
const maxChunkBytes = 64 << 20;
const trailerBytes = 4 + 4 + magic.length;

/** A snapshot file whose bytes do not hold. */
export class SnapshotDamagedError extends Error {
  override readonly name = 'SnapshotDamagedError';
}

function encodeHeader(metadata: SnapshotMetadata): Buffer {
  const body = new ByteWriter(128);
  writeSnapshotMetadata(body, metadata);
  const writer = new ByteWriter(256);
  writer.raw(magic);
  writer.u32(body.length);
  writer.u32(crc32(body.bytes()));
  writer.raw(body.bytes());
  return writer.bytes();
}

/**
 * Writes chunks beside `path` and renames: the file appears whole and durable, or not at all. Returns its
 * size in bytes. The caller's iterable must be an immutable view, since other work runs between chunks.
 */
export async function writeSnapshotFile(
  directory: string,
  path: string,
  metadata: SnapshotMetadata,
  chunks: Iterable<Uint8Array>,
  { disk, clock }: Pick<Environment, 'disk' | 'clock'> = nodeEnvironment,
): Promise<number> {
  const temporary = `${path}.tmp`;
  const file = await disk.promises.open(temporary, 'w', 0o600);
  let size = 0;
  try {
    let crc = 0;
    const length = Buffer.alloc(4);
    const put = async (bytes: Uint8Array): Promise<void> => {
      for (let at = 0; at < bytes.length;)
        at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
      size += bytes.length;
    };
    await put(encodeHeader(metadata));
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      length.writeUInt32LE(chunk.length, 0);
      crc = crc32(chunk, crc);
      await put(length);
      await put(chunk);
      // Lets the event loop turn between chunks, so that writes and heartbeats go on.
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
    const trailer = Buffer.alloc(trailerBytes);
    trailer.writeUInt32LE(crc, 4);
    magic.copy(trailer, 8);
    await put(trailer);
    await file.sync();
  } catch (error) {
    await file.close();
    await disk.promises.unlink(temporary).catch(() => undefined);
    throw error;
  }
  await file.close();
  await disk.promises.rename(temporary, path);
  syncDirectory(directory, disk);
  return size;
}

function readExactly(fd: number, length: number, position: number, path: string, disk: Disk): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const read = disk.readSync(fd, bytes, done, length - done, position + done);
    if (read === 0) throw new SnapshotDamagedError(`${path} ends early, at byte ${position + done}`);
    done += read;
  }
  return bytes;
}

function readHeader(
  fd: number,
  path: string,
  disk: Disk,
): { readonly metadata: SnapshotMetadata; readonly bodyAt: number } {
  const fixed = readExactly(fd, 16, 0, path, disk);
  const length = fixed.readUInt32LE(8);
  if (!fixed.subarray(0, 8).equals(magic) || length > 1 << 20) {
    throw new SnapshotDamagedError(`${path} is not a snapshot`);
  }
  const body = readExactly(fd, length, 16, path, disk);
  if (crc32(body) !== fixed.readUInt32LE(12))
    throw new SnapshotDamagedError(`the header of ${path} does not hold`);
  return { metadata: readSnapshotMetadata(new ByteReader(body)), bodyAt: 16 + length };
}

/** What a file is a snapshot of. Throws SnapshotDamagedError. */
export function readSnapshotFileMetadata(path: string, disk: Disk = nodeDisk): SnapshotMetadata {
  const fd = disk.openSync(path, 'r');
  try {
    return readHeader(fd, path, disk).metadata;
  } finally {
    disk.closeSync(fd);
  }
}

/** The chunks as written, one in memory at a time; throws SnapshotDamagedError, at the latest at the end. */
export function* readSnapshotFile(
  path: string,
  disk: Disk = nodeDisk,
): Generator<Uint8Array, void, undefined> {
  const fd = disk.openSync(path, 'r');
  try {
    let at = readHeader(fd, path, disk).bodyAt;
    const size = disk.fstatSync(fd).size;
    let crc = 0;
    for (;;) {
      const length = readExactly(fd, 4, at, path, disk).readUInt32LE(0);
      at += 4;
      if (length === 0) break;
      if (length > maxChunkBytes || at + length > size) {
        throw new SnapshotDamagedError(`${path} holds a chunk of impossible length at byte ${at}`);
      }
      const chunk = readExactly(fd, length, at, path, disk);
      crc = crc32(chunk, crc);
      at += length;
      yield chunk;
    }
    const end = readExactly(fd, 4 + magic.length, at, path, disk);
    if (end.readUInt32LE(0) !== crc || !end.subarray(4).equals(magic)) {
      throw new SnapshotDamagedError(`the checksum of ${path} does not hold`);
    }
  } finally {
    disk.closeSync(fd);
  }
}
