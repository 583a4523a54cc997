import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, MalformedBytesError } from '../bytes.js';

// magic 8 · header length u32 · its CRC u32 · header; then the store's snapshot in chunks, each behind its length u32; a
// length of 0 ends them; then the SHA-256 of everything before it.
const magic = Buffer.from('TRIRBAK1', 'latin1');
const fixedBytes = magic.length + 8;
const maxHeaderBytes = 1 << 16;
const maxChunkBytes = 256 << 20;
const checksumBytes = 32;

/** What a backup is a backup of. */
export interface BackupInfo {
  readonly clusterId: string;
  /** Name of the member that it was taken from. */
  readonly member: string;
  /** Milliseconds since 1970 by that member's clock. */
  readonly takenAtMs: number;
  /** Of the last log entry in it. */
  readonly index: number;
  readonly term: number;
  /** Of the Kubernetes space, and its live keys. */
  readonly revision: number;
  readonly keyCount: number;
  /** Of the space for etcd's clients. */
  readonly etcdRevision: number;
  readonly etcdKeyCount: number;
}

/** A backup that has been read from end to end and holds. */
export interface VerifiedBackup extends BackupInfo {
  readonly sizeBytes: number;
  /** SHA-256 of its contents, in hexadecimal: what its last 32 bytes say. */
  readonly sha256: string;
}

/** A file that is no backup, or one whose bytes do not hold. Nothing of it may be used. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

function encodeHeader(info: BackupInfo): Buffer {
  const body = new ByteWriter(256);
  body.text(info.clusterId);
  body.text(info.member);
  for (const number of [info.takenAtMs, info.index, info.term]) body.u64(number);
  for (const number of [info.revision, info.keyCount, info.etcdRevision, info.etcdKeyCount]) body.u64(number);
  const writer = new ByteWriter(512);
  writer.raw(magic);
  writer.u32(body.length);
  writer.u32(crc32(body.bytes()));
  writer.raw(body.bytes());
  return writer.bytes();
}

/** The bytes of a backup, made as they are asked for. `chunks` is an immutable view of the store at `info`. */
export function* encodeBackup(
  info: BackupInfo,
  chunks: Iterable<Uint8Array>,
): Generator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  const length = (bytes: number): Buffer => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(bytes);
    return buffer;
  };
  const header = encodeHeader(info);
  hash.update(header);
  yield header;
  for (const chunk of chunks) {
    if (chunk.length === 0) continue;
    const behindLength = Buffer.concat([length(chunk.length), chunk]);
    hash.update(behindLength);
    yield behindLength;
  }
  const end = length(0);
  hash.update(end);
  yield Buffer.concat([end, hash.digest()]);
}

/** Reads a backup from end to end. Throws BackupError saying what is wrong with it. */
export async function verifyBackup(path: string): Promise<VerifiedBackup> {
  const { info, sizeBytes } = withFile(path, (fd) => {
    const { size } = fstatSync(fd);
    return { info: readHeader(fd, path).info, sizeBytes: size };
  });
  const hash = createHash('sha256');
  const contents = createReadStream(path, { end: sizeBytes - checksumBytes - 1, highWaterMark: 1 << 20 });
  for await (const bytes of contents) hash.update(bytes as Buffer);
  const sha256 = hash.digest();
  const written = withFile(path, (fd) => readExactly(fd, checksumBytes, sizeBytes - checksumBytes, path));
  if (!sha256.equals(written)) {
    throw new BackupError(
      `the checksum of ${path} does not hold: it was cut short, or its bytes have changed`,
    );
  }
  return { ...info, sizeBytes, sha256: sha256.toString('hex') };
}

/** The store's snapshot in a backup, a chunk in memory at a time. The file must have been verified. Throws BackupError. */
export function* readBackup(path: string): Generator<Uint8Array, void, undefined> {
  const fd = openSync(path, 'r');
  try {
    const end = fstatSync(fd).size - checksumBytes;
    let { bodyAt: at } = readHeader(fd, path);
    for (;;) {
      const length = readExactly(fd, 4, at, path).readUInt32LE(0);
      at += 4;
      if (length === 0) break;
      if (length > maxChunkBytes || at + length > end) {
        throw new BackupError(`${path} holds a chunk of impossible length at byte ${at - 4}`);
      }
      yield readExactly(fd, length, at, path);
      at += length;
    }
    if (at !== end) throw new BackupError(`${path} ends its contents at byte ${at} instead of ${end}`);
  } finally {
    closeSync(fd);
  }
}

function readHeader(fd: number, path: string): { readonly info: BackupInfo; readonly bodyAt: number } {
  const fixed = readExactly(fd, fixedBytes, 0, path);
  if (!fixed.subarray(0, magic.length).equals(magic)) throw new BackupError(`${path} is no backup`);
  const length = fixed.readUInt32LE(magic.length);
  if (length > maxHeaderBytes) throw new BackupError(`the header of ${path} claims ${length} bytes`);
  const body = readExactly(fd, length, fixedBytes, path);
  if (crc32(body) !== fixed.readUInt32LE(magic.length + 4))
    throw new BackupError(`the header of ${path} does not hold`);
  try {
    return { info: decodeInfo(new ByteReader(body)), bodyAt: fixedBytes + length };
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    throw new BackupError(`the header of ${path} does not hold: ${error.message}`, { cause: error });
  }
}

function decodeInfo(reader: ByteReader): BackupInfo {
  return {
    clusterId: reader.text(),
    member: reader.text(),
    takenAtMs: reader.u64(),
    index: reader.u64(),
    term: reader.u64(),
    revision: reader.u64(),
    keyCount: reader.u64(),
    etcdRevision: reader.u64(),
    etcdKeyCount: reader.u64(),
  };
}

function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function readExactly(fd: number, length: number, position: number, path: string): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length;) {
    const read = position < 0 ? 0 : readSync(fd, bytes, done, length - done, position + done);
    if (read === 0) throw new BackupError(`${path} ends early: it was cut short, or it is no backup`);
    done += read;
  }
  return bytes;
}
