import { describe, expect, it } from 'vitest';
import { nodeClock } from '../environment/clock.js';
import { nodeDisk } from '../environment/disk.js';
import type { Disk } from '../environment/disk.js';
import { poolWatchingDisk } from './pool-watch.js';

/** What a write takes on the disk, and a call of the pool in front of it, in a time that only these advance. */
class Machine {
  diskMs = 0.2;
  poolMs = 0;
  probes = 0;
  started = 0;
  ready = true;
  readonly writes: string[] = [];
  #nowMs = 0;

  readonly #write =
    (by: string): Disk['write'] =>
    (_fd, _bytes, _offset, length, _position, done) => {
      this.writes.push(by);
      this.#nowMs += this.diskMs + (by === 'pool' ? this.poolMs : 0);
      done(null, length);
    };

  readonly disk = poolWatchingDisk(
    { ...nodeDisk, write: this.#write('pool') },
    { ...nodeClock, now: () => this.#nowMs },
    () => {
      this.started++;
      // Read at each write, as a thread gets ready while the log goes on.
      return Object.defineProperty({ write: this.#write('thread'), ready: false }, 'ready', {
        get: () => this.ready,
      });
    },
    (_fd, done) => {
      this.probes++;
      this.#nowMs += this.poolMs;
      done();
    },
  );

  write(times: number): void {
    for (let i = 0; i < times; i++) this.disk.write(3, Buffer.from('a'), 0, 1, 0, () => undefined);
  }
}

describe('the pool under the log', () => {
  it('is all that is used while it keeps nobody waiting', () => {
    const machine = new Machine();
    machine.write(100);
    expect(machine).toMatchObject({ probes: 0, started: 0 });
    expect(new Set(machine.writes)).toEqual(new Set(['pool']));
  });

  it('is not blamed for a slow disk', () => {
    const machine = new Machine();
    machine.diskMs = 200;
    machine.write(10);
    expect(machine).toMatchObject({ probes: 9, started: 0 });
  });

  it('is left, for good, for a thread of the log once it is found busy', () => {
    const machine = new Machine();
    machine.write(1);
    machine.poolMs = 30;
    machine.write(3);
    machine.poolMs = 0;
    machine.write(1);
    expect(machine.writes).toEqual(['pool', 'pool', 'pool', 'thread', 'thread']);
    expect(machine).toMatchObject({ probes: 1, started: 1 });
  });

  it('goes on until the thread is ready, and one thread is enough', () => {
    const machine = new Machine();
    machine.ready = false;
    machine.poolMs = 30;
    machine.write(4);
    expect(machine.writes).toEqual(['pool', 'pool', 'pool', 'pool']);
    machine.ready = true;
    machine.write(1);
    expect(machine.writes.at(-1)).toBe('thread');
    expect(machine.started).toBe(1);
  });
});
