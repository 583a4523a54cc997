import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeClock } from './clock.js';
import { nodeDisk } from './disk.js';
import { faultyDisk } from './faulty-disk.js';

let directory: string;
let fd: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-disk-'));
  fd = openSync(join(directory, 'file'), 'w+');
});
afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

describe('a disk with injected faults', () => {
  it('writes as the real one does while nothing is wrong, at the time that was asked for when it is slow', async () => {
    const waits: number[] = [];
    const clock = {
      ...nodeClock,
      after: (ms: number, run: () => void) => {
        waits.push(ms);
        run();
        return () => {};
      },
    };
    const { disk, set } = faultyDisk(nodeDisk, clock);
    const write = async (text: string): Promise<NodeJS.ErrnoException | null> =>
      new Promise((resolve) =>
        disk.write(fd, Buffer.from(text), 0, text.length, 0, (error) => resolve(error)),
      );
    expect(await write('a')).toBeNull();
    expect(waits).toEqual([]);
    set({ delayMs: 200 });
    expect(await write('b')).toBeNull();
    expect(waits).toEqual([200]);
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('b');
  });

  it('finds no space when it is full, writes nothing, and has space again afterwards', async () => {
    const { disk, set } = faultyDisk(nodeDisk, nodeClock);
    const write = async (): Promise<NodeJS.ErrnoException | null> =>
      new Promise((resolve) => disk.write(fd, Buffer.from('x'), 0, 1, 0, (error) => resolve(error)));
    set({ full: true });
    expect((await write())?.code).toBe('ENOSPC');
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('');
    set({});
    expect(await write()).toBeNull();
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('x');
  });
});
