import { describe, expect, it } from 'vitest';
import { loadConsensusThread } from '#libs/consensus';
import { run } from './run.js';
import type { RunResult } from './run.js';
import type { RunOptions } from './options.js';

/** A simulation runs between two promises, never within one: see microtasks.ts. */
async function simulate(options: RunOptions): Promise<RunResult> {
  const startThread = await loadConsensusThread();
  return await new Promise((resolve) => setImmediate(() => resolve(run(options, startThread))));
}

describe('a run', () => {
  it.each([1, 11])('of seed %s is the same the second time, event for event', async (seed) => {
    const [one, other] = [await simulate({ seed, events: 4_000 }), await simulate({ seed, events: 4_000 })];
    expect(one.violation).toBeUndefined();
    expect(other).toEqual(one);
    expect(one.answered).toBeGreaterThan(0);
    expect(one.faults).toBeGreaterThan(0);
  });

  it('of another seed is another one', async () => {
    const one = await simulate({ seed: 5, events: 2_000 });
    const other = await simulate({ seed: 6, events: 2_000 });
    expect(other.traceHash).not.toBe(one.traceHash);
  });

  it('tells what happened when it is asked to, and is the same run', async () => {
    const silent = await simulate({ seed: 3, events: 2_000 });
    const told = await simulate({ seed: 3, events: 2_000, tell: true });
    expect(told.traceHash).toBe(silent.traceHash);
    expect(told.story.length).toBeGreaterThan(0);
  });

  it('may leave faults out; the others stay as they were', async () => {
    const all = await simulate({ seed: 1, events: 2_000 });
    const none = await simulate({
      seed: 1,
      events: 2_000,
      skip: Array.from({ length: 500 }, (_, i) => i + 1),
    });
    expect(none.faults).toBeGreaterThan(0);
    expect([...none.coverage.values()].every((times) => times === 0)).toBe(true);
    expect(none.traceHash).not.toBe(all.traceHash);
  });
});
