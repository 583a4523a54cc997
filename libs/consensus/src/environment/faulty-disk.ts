import type { Clock } from './clock.js';
import type { Disk } from './disk.js';

/** What is wrong with a disk: how much longer a write takes, and whether there is no space left. */
export interface DiskFault {
  /** Milliseconds. */
  readonly delayMs?: number;
  readonly full?: boolean;
}

/**
 * A disk whose log writes can be made slow or made to fail as those of a full disk do, for fault injection on a machine
 * where nobody is root. Everything else is the disk's own, whose functions must not depend on `this`.
 */
export function faultyDisk(disk: Disk, clock: Clock): { readonly disk: Disk; set(fault: DiskFault): void } {
  let fault: DiskFault = {};
  const write: Disk['write'] = (fd, bytes, offset, length, position, done) => {
    const { delayMs = 0, full = false } = fault;
    if (full) {
      const error: NodeJS.ErrnoException = new Error('ENOSPC: no space left on device, write (injected)');
      error.code = 'ENOSPC';
      clock.soon(() => done(error, 0));
    } else if (delayMs > 0) {
      clock.after(delayMs, () => disk.write(fd, bytes, offset, length, position, done));
    } else {
      disk.write(fd, bytes, offset, length, position, done);
    }
  };
  // A module's namespace takes no assignment, not even to an object that inherits from it.
  const faulty = Object.create(disk, { write: { value: write } }) as Disk;
  return { disk: faulty, set: (next) => void (fault = next) };
}
