import { crc32 } from 'node:zlib';
import type { SnapshotMetadata } from '#libs/raft';
import { nodeDisk } from '../environment/disk.js';
import type { Disk, DiskFile } from '../environment/disk.js';
import { syncDirectory } from '../log/segment.js';
import { snapshotPath } from './snapshot-directory.js';
import { readSnapshotFileMetadata } from './snapshot-file.js';

/** Beyond so many bytes on their way to disk, the sender is made to wait. */
export const maxUnwrittenBytes = 1 << 20;

/** A snapshot file that arrives in pieces: to a temporary file, checked, synced, renamed. */
export class SnapshotReceiver {
  readonly #directory: string;
  readonly #temporary: string;
  readonly #disk: Disk;
  #file: Promise<DiskFile>;
  #tail: Promise<void>;
  #crc = 0;
  #unwritten = 0;
  #failure: Error | undefined;

  constructor(directory: string, name: string, disk: Disk = nodeDisk) {
    this.#disk = disk;
    this.#directory = directory;
    this.#temporary = `${directory}/${name}.tmp`;
    this.#file = disk.promises.open(this.#temporary, 'w', 0o600);
    this.#tail = this.#file.then(
      () => undefined,
      (error: Error) => this.#fail(error),
    );
  }

  get unwrittenBytes(): number {
    return this.#unwritten;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
  }

  /** Resolves once this chunk, and all before it, is with the file system. */
  write(chunk: Buffer): Promise<void> {
    this.#crc = crc32(chunk, this.#crc);
    this.#unwritten += chunk.length;
    this.#tail = this.#tail.then(async () => {
      try {
        const file = await this.#file;
        for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
      } catch (error) {
        this.#fail(error as Error);
      }
      this.#unwritten -= chunk.length;
    });
    return this.#tail;
  }

  /** Makes the file durable under its own name. Throws when bytes are missing, damaged or for another snapshot. */
  async finish(expected: SnapshotMetadata, crc: number): Promise<string> {
    await this.#tail;
    if (this.#failure !== undefined) throw this.#failure;
    if (crc !== this.#crc) throw new Error('the checksum of the received snapshot does not hold');
    const file = await this.#file;
    await file.sync();
    await file.close();
    const metadata = readSnapshotFileMetadata(this.#temporary, this.#disk);
    if (metadata.index !== expected.index || metadata.term !== expected.term) {
      throw new Error(`a snapshot of entry ${expected.index} was announced, one of ${metadata.index} came`);
    }
    const path = snapshotPath(this.#directory, metadata);
    await this.#disk.promises.rename(this.#temporary, path);
    syncDirectory(this.#directory, this.#disk);
    return path;
  }

  async abandon(): Promise<void> {
    await this.#tail;
    await this.#file.then((file) => file.close()).catch(() => undefined);
    await this.#disk.promises.unlink(this.#temporary).catch(() => undefined);
  }
}
