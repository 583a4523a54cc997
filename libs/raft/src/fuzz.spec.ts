import { describe, expect, it } from 'vitest';
import { Fuzz, seeded, type Tally } from '../testing/fuzz.js';

const runs = 300;
const events = 2_500;

function total(sizes: readonly number[], learners: number, spares: number, faults: number): Tally {
  const sum: Tally = { elections: 0, committed: 0, reads: 0, restarts: 0, snapshots: 0, changes: 0 };
  for (let seed = 1; seed <= runs; seed += 1) {
    const size = sizes[seed % sizes.length] as number;
    const fuzz = new Fuzz(seeded(seed), size, learners, spares);
    try {
      fuzz.run(events, faults);
      fuzz.heal();
    } catch (error) {
      throw new Error(
        `seed ${seed}, ${size} voters, ${learners} learners, ${spares} spares, faults ${faults}`,
        {
          cause: error,
        },
      );
    }
    for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += fuzz.tally[key];
  }
  return sum;
}

describe('safety under faults: figure 3 of the paper holds after every event, and the group converges', () => {
  it.each([
    { faults: 0.05, learners: 0, spares: 0 },
    { faults: 0.3, learners: 1, spares: 0 },
    { faults: 0.8, learners: 0, spares: 0 },
    { faults: 0.1, learners: 1, spares: 4 },
    { faults: 0.5, learners: 1, spares: 4 },
  ])('faults $faults, $learners learners, $spares spares', ({ faults, learners, spares }) => {
    const tally = total([1, 2, 3, 3, 5], learners, spares, faults);
    if (spares > 0) expect(tally.changes).toBeGreaterThan(runs / 2);
    expect(tally.elections).toBeGreaterThan(runs);
    expect(tally.committed).toBeGreaterThan(runs * 20);
    expect(tally.reads).toBeGreaterThan(runs * 5);
    expect(tally.restarts).toBeGreaterThan(runs);
    expect(tally.snapshots).toBeGreaterThan(runs);
  });
});
