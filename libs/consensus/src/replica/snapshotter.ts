import type { SnapshotMetadata } from '#libs/raft';
import type { Environment } from '../environment/environment.js';
import { Histogram, fsyncBucketsSeconds } from '../metrics.js';
import { pruneSnapshots, snapshotPath } from '../snapshot/snapshot-directory.js';
import { writeSnapshotFile } from '../snapshot/snapshot-file.js';

export interface SnapshotterOptions {
  readonly environment: Environment;
  readonly directory: string;
  readonly everyBytes: number;
  readonly everyEntries: number;
  /** The snapshot is durable: the log before it may go, its files up to `releaseIndex`. */
  readonly onDurable: (snapshot: SnapshotMetadata, releaseIndex: number) => void;
  readonly onError: (error: Error) => void;
}

/** Takes snapshots of the store after enough was applied; writes go on meanwhile. */
export class Snapshotter {
  readonly seconds = new Histogram(fsyncBucketsSeconds);
  readonly #options: SnapshotterOptions;
  #bytes = 0;
  #entries = 0;
  #running: Promise<void> | undefined;

  constructor(options: SnapshotterOptions) {
    this.#options = options;
  }

  /** Counts what was applied; true when a snapshot is due. */
  note(entries: number, bytes: number, storeBytes: number): boolean {
    this.#entries += entries;
    this.#bytes += bytes;
    if (this.#running !== undefined) return false;
    // A large store is written less often, so that snapshots cost at most about what the log does.
    return (
      this.#entries >= this.#options.everyEntries ||
      this.#bytes >= Math.max(this.#options.everyBytes, storeBytes)
    );
  }

  /** Writes `chunks`, an immutable view of the store at `metadata`. One at a time. */
  take(metadata: SnapshotMetadata, chunks: Iterable<Uint8Array>): Promise<void> {
    this.#running ??= this.#write(metadata, chunks).finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #write(metadata: SnapshotMetadata, chunks: Iterable<Uint8Array>): Promise<void> {
    this.#bytes = 0;
    this.#entries = 0;
    const { directory, onDurable, onError, environment } = this.#options;
    const { clock } = environment;
    const started = clock.now();
    try {
      await writeSnapshotFile(directory, snapshotPath(directory, metadata), metadata, chunks, environment);
      this.seconds.observe((clock.now() - started) / 1000);
      onDurable(metadata, await pruneSnapshots(directory, metadata.index, environment.disk));
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Resolves when none is being written. */
  idle(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }
}
