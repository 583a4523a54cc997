import { constants } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Disk } from '#libs/consensus';
import { SimulatedDisk } from './disk.js';
import { Loop } from './event-queue.js';
import { Stream } from './random.js';
import { Simulator } from './simulator.js';

let simulator: Simulator;
let disk: SimulatedDisk;
let view: Disk;
const read = (path: string): string => view.readFileSync(path).toString('latin1');

beforeEach(() => {
  simulator = new Simulator(false);
  disk = new SimulatedDisk(simulator, new Stream(1, 'disk'), 64);
  view = disk.view(new Loop(1, 'main'));
  view.mkdirSync('/d', { recursive: true, mode: 0o700 });
});

function create(path: string, content: string): number {
  const fd = view.openSync(path, 'w', 0o600);
  view.writeSync(fd, Buffer.from(content), 0, content.length, 0);
  return fd;
}

const syncNames = (): void => view.fsyncSync(view.openSync('/d', 'r'));

describe('a power cut', () => {
  it('keeps what was synced, names too', () => {
    view.fsyncSync(create('/d/a', 'x'.repeat(200)));
    syncNames();
    for (let i = 0; i < 20; i += 1) disk.crash(true);
    expect(read('/d/a')).toBe('x'.repeat(200));
  });

  it('may take a name that was not synced, with its file, and undo a rename', () => {
    const outcomes = new Set<string>();
    for (let i = 0; i < 60; i += 1) {
      view.fsyncSync(create('/d/old', 'x'));
      syncNames();
      view.renameSync('/d/old', '/d/new');
      view.fsyncSync(create('/d/later', 'y'));
      disk.crash(true);
      outcomes.add(view.readdirSync('/d').join());
      for (const name of view.readdirSync('/d')) view.unlinkSync(`/d/${name}`);
      syncNames();
    }
    expect([...outcomes].sort()).toEqual(['later,new', 'new', 'old']);
  });

  it('tears what was not synced: some sectors are there and some are not', () => {
    const fd = create('/d/a', '.'.repeat(640));
    view.fsyncSync(fd);
    syncNames();
    let torn = 0;
    for (let i = 0; i < 40; i += 1) {
      const again = view.openSync('/d/a', 'r+');
      view.writeSync(again, Buffer.from('.'.repeat(640)), 0, 640, 0);
      view.fsyncSync(again);
      view.writeSync(again, Buffer.from('x'.repeat(640)), 0, 640, 0);
      disk.crash(true);
      const content = read('/d/a');
      expect(content).toMatch(/^((\.{64})|(x{64}))*$/);
      if (content.includes('.') && content.includes('x')) torn += 1;
    }
    expect(torn).toBeGreaterThan(10);
  });
});

describe('a process that is killed', () => {
  it('leaves what it wrote with the kernel', () => {
    create('/d/a', 'x');
    disk.crash(false);
    expect(read('/d/a')).toBe('x');
  });
});

describe('a write that is durable when it is done', () => {
  it('is durable then, and not before', () => {
    view.fsyncSync(create('/d/a', '.'.repeat(64)));
    syncNames();
    const fd = view.openSync('/d/a', constants.O_RDWR | constants.O_DSYNC);
    const done: number[] = [];
    view.write(fd, Buffer.from('x'.repeat(64)), 0, 64, 0, (_, written) => done.push(written));
    expect(read('/d/a')).toBe('.'.repeat(64));
    while (done.length === 0) simulator.step();
    disk.crash(true);
    expect(read('/d/a')).toBe('x'.repeat(64));
  });
});

describe('a disk that refuses', () => {
  it('says so with the code and the call, as Node does', () => {
    const fd = create('/d/a', 'x');
    disk.fault = (call) => (call === 'write' ? 'ENOSPC' : undefined);
    expect(() => view.writeSync(fd, Buffer.from('y'), 0, 1, 0)).toThrow(
      expect.objectContaining({ code: 'ENOSPC', syscall: 'write' }),
    );
    expect(read('/d/a')).toBe('x');
  });
});
