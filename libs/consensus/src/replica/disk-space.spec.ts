import { describe, expect, it } from 'vitest';
import { nodeClock } from '../environment/clock.js';
import { nodeDisk } from '../environment/disk.js';
import { DiskSpace } from './disk-space.js';

const mebibyte = 2 ** 20;

/** A disk with as much room as `free` says, looked at as often as `see` is called. */
function watched(): {
  readonly warnings: string[];
  readonly space: DiskSpace;
  see(free: number): Promise<void>;
} {
  const state = { free: 0, now: 0 };
  const warnings: string[] = [];
  const statfs = (): Promise<{ bavail: number; bsize: number }> =>
    Promise.resolve({ bavail: state.free / 4096, bsize: 4096 });
  const space = new DiskSpace({
    directory: '/data',
    disk: { ...nodeDisk, promises: { ...nodeDisk.promises, statfs } },
    clock: { ...nodeClock, now: () => state.now },
    reserveBytes: () => 100 * mebibyte,
    onWarning: (message) => warnings.push(message),
  });
  return {
    warnings,
    space,
    async see(free) {
      state.free = free;
      state.now += 2_000;
      space.look();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('room on the disk', () => {
  it('is warned of in time, once, and counts as low below the reserve until there is clearly more', async () => {
    const { space, see, warnings } = watched();
    await see(500 * mebibyte);
    expect([space.low, space.freeBytes, warnings]).toEqual([false, 500 * mebibyte, []]);
    await see(190 * mebibyte);
    await see(150 * mebibyte);
    expect(space.low).toBe(false);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/190 MiB are left on the disk of \/data\. Below 100 MiB/);
    await see(99 * mebibyte);
    expect(space.low).toBe(true);
    await see(110 * mebibyte);
    expect(space.low, 'just above the mark').toBe(true);
    await see(300 * mebibyte);
    expect(space.low).toBe(false);
    await see(150 * mebibyte);
    expect(warnings, 'it became scarce again').toHaveLength(2);
  });

  it('is not known where the disk does not tell', async () => {
    const bare = { ...nodeDisk, promises: { ...nodeDisk.promises } };
    delete (bare.promises as { statfs?: unknown }).statfs;
    const options = { directory: '/data', disk: bare, clock: nodeClock, reserveBytes: () => 1 };
    const space = new DiskSpace({ ...options, onWarning: (message) => expect.unreachable(message) });
    space.look();
    expect([space.low, space.freeBytes]).toEqual([false, undefined]);
  });
});
