import { build, type Histogram } from 'hdr-histogram-js';
import type { LatencySummary } from './load/plan.js';

const longestMicroseconds = 60_000_000;

/** Latencies in microseconds, up to a minute, three significant digits. */
export class Latencies {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestMicroseconds,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  });

  /** With the interval at which requests were due, a late answer also counts for those that it held up. */
  record(milliseconds: number, expectedIntervalMs?: number): void {
    const value = Math.min(longestMicroseconds, Math.max(1, Math.round(milliseconds * 1_000)));
    if (expectedIntervalMs === undefined) this.#histogram.recordValue(value);
    else
      this.#histogram.recordValueWithExpectedInterval(
        value,
        Math.max(1, Math.round(expectedIntervalMs * 1_000)),
      );
  }

  /** Milliseconds. */
  percentile(p: number): number {
    return this.#histogram.getValueAtPercentile(p) / 1_000;
  }

  /** Milliseconds; zeros when nothing was recorded. */
  summary(): LatencySummary {
    if (this.count === 0) return { p50: 0, p95: 0, p99: 0, 'p99.9': 0, mean: 0, max: 0 };
    const max = this.#histogram.maxValue / 1_000;
    // A percentile is the upper end of its bucket, which may lie above the greatest value.
    const percentile = (p: number): number => Math.min(max, this.percentile(p));
    return {
      p50: percentile(50),
      p95: percentile(95),
      p99: percentile(99),
      'p99.9': percentile(99.9),
      mean: this.#histogram.mean / 1_000,
      max,
    };
  }

  get count(): number {
    return this.#histogram.totalCount;
  }
}

export interface Spread {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return { median, minimum: sorted[0] ?? 0, maximum: sorted.at(-1) ?? 0 };
}
