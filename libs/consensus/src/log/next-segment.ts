import { join } from 'node:path';
import type { Environment } from '../environment/environment.js';
import { preallocate, segmentHeaderBytes } from './segment.js';

export interface NextSegmentOptions {
  readonly directory: string;
  /** Of an ordinary segment. */
  readonly sizeBytes: number;
  readonly environment: Environment;
  readonly onWarning: (message: string) => void;
}

const preparedName = 'prepared.tmp';
const largeName = 'large.tmp';
const pieceBytes = 256 << 10;
/** A full disk is not asked again with every write. */
const pauseMs = 1_000;
/** What a segment's header and head record take at most. */
export const segmentHeadBytes = segmentHeaderBytes + 4096;

/**
 * The file of the next segment, made ahead of need: its blocks are the log's before a record is written to them, so that a
 * full disk is met here, with half a segment of room left, and not in the middle of a write. What fails here may be tried
 * again, unlike a sync of records: nothing was promised about these zeros.
 */
export class NextSegment {
  readonly #options: NextSegmentOptions;
  #prepared: Promise<string> | undefined;
  #retryAt = 0;

  constructor(options: NextSegmentOptions) {
    this.#options = options;
    const { directory, environment } = options;
    for (const name of [preparedName, largeName])
      environment.disk.rmSync(join(directory, name), { force: true });
  }

  /** Begins to make it in the background. A failure is told, and it is begun again by a later call. */
  ahead(): void {
    const { clock } = this.#options.environment;
    if (this.#prepared !== undefined || clock.now() < this.#retryAt) return;
    const prepared = this.#prepare();
    this.#prepared = prepared;
    prepared.catch((error: Error) => {
      this.#prepared = undefined;
      this.#retryAt = clock.now() + pauseMs;
      this.#options.onWarning(
        `there is no room for the log's next file: ${error.message}. Free space soon: what is left of the present one will do for a while`,
      );
    });
  }

  /** A file of zeros with room for a record of so many bytes. Rejects when the disk has no room for it. */
  async take(recordBytes: number): Promise<{ readonly path: string; readonly sizeBytes: number }> {
    const { directory, sizeBytes, environment } = this.#options;
    const ahead = await this.#prepared?.catch(() => undefined);
    this.#prepared = undefined;
    const path = ahead ?? (await this.#prepare());
    const neededBytes = recordBytes + segmentHeadBytes;
    if (neededBytes <= sizeBytes) return { path, sizeBytes };
    // A batch larger than a segment gets a segment of its own size.
    const large = join(directory, largeName);
    preallocate(large, neededBytes, environment.disk);
    await environment.disk.promises.rename(large, path);
    return { path, sizeBytes: neededBytes };
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#prepared?.catch(() => undefined);
  }

  /** In pieces that yield the thread pool to the log. What could not be finished gives its room back. */
  async #prepare(): Promise<string> {
    const { directory, sizeBytes, environment } = this.#options;
    const { promises } = environment.disk;
    const path = join(directory, preparedName);
    const file = await promises.open(path, 'w', 0o600);
    try {
      const zeros = Buffer.alloc(pieceBytes);
      for (let at = 0; at < sizeBytes;)
        at += (await file.write(zeros, 0, Math.min(zeros.length, sizeBytes - at), at)).bytesWritten;
      await file.sync();
    } catch (error) {
      await file.close();
      await promises.unlink(path).catch(() => undefined);
      throw error;
    }
    await file.close();
    return path;
  }
}
