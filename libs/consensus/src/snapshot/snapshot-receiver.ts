import { open, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { SnapshotMetadata } from '#libs/raft';
import { syncDirectory } from '../log/segment.js';
import { snapshotPath } from './snapshot-directory.js';
import { readSnapshotFileMetadata } from './snapshot-file.js';

/** Beyond so many bytes on their way to disk, the sender is made to wait. */
export const maxUnwrittenBytes = 1 << 20;

/** A snapshot file that arrives in pieces: to a temporary file, checked, synced, renamed. */
export class SnapshotReceiver {
  readonly #directory: string;
  readonly #temporary: string;
  #file: Promise<FileHandle>;
  #tail: Promise<void>;
  #crc = 0;
  #unwritten = 0;
  #failure: Error | undefined;

  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#temporary = `${directory}/${name}.tmp`;
    this.#file = open(this.#temporary, 'w', 0o600);
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
    const metadata = readSnapshotFileMetadata(this.#temporary);
    if (metadata.index !== expected.index || metadata.term !== expected.term) {
      throw new Error(`a snapshot of entry ${expected.index} was announced, one of ${metadata.index} came`);
    }
    const path = snapshotPath(this.#directory, metadata);
    await rename(this.#temporary, path);
    syncDirectory(this.#directory);
    return path;
  }

  async abandon(): Promise<void> {
    await this.#tail;
    await this.#file.then((file) => file.close()).catch(() => undefined);
    await unlink(this.#temporary).catch(() => undefined);
  }
}
