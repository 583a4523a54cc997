import { fstat } from 'node:fs';
import type { Clock } from '../environment/clock.js';
import type { Disk } from '../environment/disk.js';

/** A write that takes longer has waited: for the disk, or for a thread of the pool. */
const slowMs = 10;
/** Of a call that needs a thread of the pool and no disk. */
const busyMs = 5;

export interface LogWriter {
  readonly ready: boolean;
  readonly write: Disk['write'];
}

/**
 * A disk whose writes go through the process's thread pool until that keeps one waiting: from then on through a thread of the
 * log's own, which `start` makes. On an idle machine the pool is as fast, and a thread costs 7 MiB; behind a pool full of
 * compression or hashing a write waits for all of it (docs/decisions/0013). A slow disk is told from a busy pool by a call
 * that needs no disk, made beside the write after a slow one.
 */
export function poolWatchingDisk(
  disk: Disk,
  clock: Clock,
  start: () => LogWriter,
  askPool: (fd: number, done: () => void) => void = (fd, done) => fstat(fd, () => done()),
): Disk {
  let writer: LogWriter | undefined;
  let suspicious = false;
  const probe = (fd: number): void => {
    suspicious = false;
    const asked = clock.now();
    askPool(fd, () => {
      if (clock.now() - asked > busyMs) writer ??= start();
    });
  };
  const write: Disk['write'] = (fd, bytes, offset, length, position, done) => {
    if (writer?.ready === true) return writer.write(fd, bytes, offset, length, position, done);
    if (suspicious && writer === undefined) probe(fd);
    const began = clock.now();
    disk.write(fd, bytes, offset, length, position, (error, written) => {
      suspicious ||= clock.now() - began > slowMs;
      done(error, written);
    });
  };
  // A module's namespace takes no assignment, not even to an object that inherits from it.
  return Object.create(disk, { write: { value: write } }) as Disk;
}
