import type { Counts } from '../../../protocol.js';

/** What was counted between two snapshots of one process. */
export function difference(later: Counts, earlier: Counts): Counts {
  return {
    bounds: later.bounds,
    counts: later.counts.map((count, i) => Math.max(0, count - (earlier.counts[i] ?? 0))),
  };
}

/** All of the same buckets in one; undefined of none. */
export function sum(all: readonly Counts[]): Counts | undefined {
  const [first] = all;
  if (first === undefined) return undefined;
  return {
    bounds: first.bounds,
    counts: first.counts.map((_, i) => all.reduce((total, { counts }) => total + (counts[i] ?? 0), 0)),
  };
}

/**
 * An upper bound of the quantile: the end of the bucket that it falls into. Undefined where nothing was counted, Infinity
 * behind the last bucket.
 */
export function quantile({ bounds, counts }: Counts, q: number): number | undefined {
  const total = counts.reduce((a, b) => a + b, 0);
  if (total === 0) return undefined;
  let seen = 0;
  for (const [i, count] of counts.entries()) {
    seen += count;
    if (seen >= total * q) return bounds[i] ?? Infinity;
  }
  return Infinity;
}
