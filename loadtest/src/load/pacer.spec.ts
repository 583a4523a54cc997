import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Iteration, Pacer } from './pacer.js';
import type { Group } from './plan.js';

const group = (rate: Group['rate'], maximumIterations = 1_000): Group => ({
  name: 'clients',
  clients: 2,
  rate,
  items: 1,
  operations: [{ weight: 1, steps: [] }],
  maximumIterations,
});
const alone = { index: 0, processes: 1 };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  vi.advanceTimersByTime(1);
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the pace of a load', () => {
  it('is that of the answers in a closed loop, up to the most iterations', () => {
    const pacer = new Pacer(group(null, 3), 10, alone);
    const begun: number[] = [];
    const client = (): void => pacer.take(({ n }) => begun.push(n));
    pacer.start();
    for (let i = 0; i < 5; i++) client();
    expect(begun).toEqual([0, 1, 2]);
    expect(pacer.exhausted).toBe(true);
    expect(pacer.missed).toBe(0);
  });

  it('begins nothing before the start', () => {
    const pacer = new Pacer(group(null), 10, alone);
    const begun: number[] = [];
    pacer.take(({ n }) => begun.push(n));
    expect(begun).toEqual([]);
    pacer.start();
    expect(begun).toEqual([0]);
  });

  it('keeps a rate, whatever the clients do', () => {
    const pacer = new Pacer(group({ from: 10, to: 10 }), 1, alone);
    const begun: number[] = [];
    const client = (): void =>
      pacer.take(({ n }) => {
        begun.push(n);
        client();
      });
    client();
    pacer.start();
    vi.advanceTimersByTime(950);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('counts the latency of what began late from when it was due, and misses nothing silently', () => {
    const pacer = new Pacer(group({ from: 10, to: 10 }), 1, alone);
    const begun: Iteration[] = [];
    const startMs = performance.now();
    pacer.start();
    pacer.take((iteration) => begun.push(iteration));
    // The only client is busy for half a second: five more are due meanwhile.
    vi.advanceTimersByTime(500);
    pacer.take((iteration) => begun.push(iteration));
    pacer.take((iteration) => begun.push(iteration));
    expect(begun.map(({ n, dueMs }) => [n, Math.round(dueMs - startMs)])).toEqual([
      [0, 0],
      [1, 100],
      [2, 200],
    ]);
    expect(pacer.missed).toBe(7);
  });

  it('is shared by processes without gap or overlap', () => {
    const numbers = [0, 1, 2].flatMap((index) => {
      const pacer = new Pacer(group(null, 10), 1, { index, processes: 3 });
      const begun: number[] = [];
      pacer.start();
      for (let i = 0; i < 9; i++) pacer.take(({ n }) => begun.push(n));
      return begun;
    });
    expect(numbers.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
