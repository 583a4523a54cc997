import { build, type Histogram } from 'hdr-histogram-js';
import { quantiles } from './load/plan.js';

/** Milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly max: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly 'p99.9': number;
  readonly 'p99.99': number;
  /** Pairs of quantile (percent) and milliseconds. */
  readonly curve: readonly [number, number][];
}

export function summaryOf(count: number, mean: number, at: (percent: number) => number): LatencySummary {
  return {
    count,
    mean,
    max: at(100),
    p50: at(50),
    p75: at(75),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    'p99.9': at(99.9),
    'p99.99': at(99.99),
    curve: quantiles.map((q) => [q, at(q)] as [number, number]),
  };
}

const longestMicroseconds = 60_000_000;

/** Latencies in microseconds, up to a minute, three significant digits. */
export class Latencies {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestMicroseconds,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  });

  record(milliseconds: number): void {
    this.#histogram.recordValue(Math.min(longestMicroseconds, Math.max(1, Math.round(milliseconds * 1_000))));
  }

  /** Milliseconds. */
  percentile(p: number): number {
    return this.#histogram.getValueAtPercentile(p) / 1_000;
  }

  /** Milliseconds; zeros when nothing was recorded. */
  summary(): LatencySummary {
    const { count } = this;
    if (count === 0) return summaryOf(0, 0, () => 0);
    const max = this.#histogram.maxValue / 1_000;
    // A percentile is the upper end of its bucket, which may lie above the greatest value.
    return summaryOf(count, this.#histogram.mean / 1_000, (p) => Math.min(max, this.percentile(p)));
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
