import type { Clock } from '../environment/clock.js';
import type { Disk } from '../environment/disk.js';

export interface DiskSpaceOptions {
  /** Where the log and the snapshots are. */
  readonly directory: string;
  readonly disk: Disk;
  readonly clock: Clock;
  /** What must be left so that deletes and compaction can still be logged, and the next snapshot be written. */
  readonly reserveBytes: () => number;
  readonly onWarning: (message: string) => void;
}

const lookEveryMs = 2_000;
/** Told of when so many times the reserve is left: time to do something before puts are refused. */
const earlyFactor = 2;
/** Enough again only with some more than the reserve: at the mark itself the alarm would come and go. */
const enoughFactor = 1.25;

/** Looks at how much room the disk has left, now and then, without waiting for it. */
export class DiskSpace {
  readonly #options: DiskSpaceOptions;
  #freeBytes: number | undefined;
  #lookAt = 0;
  #low = false;
  #warned = false;

  constructor(options: DiskSpaceOptions) {
    this.#options = options;
  }

  /** As last seen; undefined where it cannot be told. */
  get freeBytes(): number | undefined {
    return this.#freeBytes;
  }

  /** Less than the reserve is left. */
  get low(): boolean {
    return this.#low;
  }

  /** To be called often; most calls do nothing. */
  look(): void {
    const { directory, disk, clock } = this.#options;
    const { statfs } = disk.promises;
    if (statfs === undefined || clock.now() < this.#lookAt) return;
    this.#lookAt = clock.now() + lookEveryMs;
    statfs(directory).then(
      ({ bavail, bsize }) => this.#seen(bavail * bsize),
      // Whether the disk can be written is told by the log itself.
      () => (this.#freeBytes = undefined),
    );
  }

  #seen(freeBytes: number): void {
    this.#freeBytes = freeBytes;
    const reserve = this.#options.reserveBytes();
    this.#low = freeBytes < (this.#low ? reserve * enoughFactor : reserve);
    const scarce = freeBytes < reserve * earlyFactor;
    if (scarce && !this.#warned) {
      const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
      this.#options.onWarning(
        `${mebibytes(freeBytes)} are left on the disk of ${this.#options.directory}. Below ${mebibytes(reserve)} this member gives leadership away; once that is so for most members, only reads and deletes are taken. Free space, or make the disk larger`,
      );
    }
    this.#warned = scarce;
  }
}
