import { performance } from 'node:perf_hooks';
import type { LoadReport } from '../report/schema.js';
import { Latencies } from '../stats.js';

type Point = LoadReport['timeline'][number];

/** What one kind of observer saw succeed, and when. */
export class Pulse {
  readonly #times: number[] = [];

  beat(at = performance.now()): void {
    this.#times.push(at);
  }

  get count(): number {
    return this.#times.length;
  }

  /** Whether something succeeded after this moment. */
  beatSince(at: number): boolean {
    return (this.#times.at(-1) ?? -Infinity) >= at;
  }

  /** The longest time within a period in which nothing succeeded, in milliseconds. */
  longestGapMs(from: number, to: number): number {
    let last = from;
    let longest = 0;
    for (let i = firstAfter(this.#times, from); i < this.#times.length; i++) {
      const time = this.#times[i] ?? to;
      if (time > to) break;
      longest = Math.max(longest, time - last);
      last = time;
    }
    return Math.max(longest, to - last);
  }
}

function firstAfter(times: readonly number[], from: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Most points that a page is given; longer runs have wider ones. */
const maximumPoints = 1_200;

/** Requests over time in points of a fixed width: each is summed up once the next one begins. */
export class Timeline {
  readonly latencies = new Latencies();
  readonly #startMs: number;
  readonly #pointMs: number;
  readonly #points: Point[] = [];
  #current: { index: number; latenciesMs: number[]; errors: number } = {
    index: 0,
    latenciesMs: [],
    errors: 0,
  };

  constructor(startMs: number, pointSeconds: number) {
    this.#startMs = startMs;
    this.#pointMs = pointSeconds * 1_000;
  }

  answered(latencyMs: number): void {
    this.#turn();
    this.#current.latenciesMs.push(latencyMs);
    this.latencies.record(latencyMs);
  }

  failed(): void {
    this.#turn();
    this.#current.errors++;
  }

  /** All points so far, silent ones included; neighbours are joined where they are too many. */
  points(): { readonly points: readonly Point[]; readonly pointSeconds: number } {
    this.#turn();
    const width = Math.max(1, Math.ceil(this.#points.length / maximumPoints));
    const joined: Point[] = [];
    for (let at = 0; at < this.#points.length; at += width)
      joined.push(join(this.#points.slice(at, at + width)));
    return { points: joined, pointSeconds: (width * this.#pointMs) / 1_000 };
  }

  #turn(): void {
    const index = Math.floor((performance.now() - this.#startMs) / this.#pointMs);
    while (this.#current.index < index) {
      const { index: at, latenciesMs, errors } = this.#current;
      const sorted = latenciesMs.sort((a, b) => a - b);
      const value = (p: number): number | null => sorted[Math.floor(p * (sorted.length - 1))] ?? null;
      this.#points.push({
        second: (at * this.#pointMs) / 1_000,
        requests: sorted.length + errors,
        errors,
        p50Ms: value(0.5),
        p99Ms: value(0.99),
        maxMs: value(1),
      });
      this.#current = { index: at + 1, latenciesMs: [], errors: 0 };
    }
  }
}

/** Neighbours as one: sums, and the highest of each percentile, which never makes a stall look smaller. */
function join(points: readonly Point[]): Point {
  const highest = (of: (point: Point) => number | null): number | null => {
    const values = points.map(of).filter((value) => value !== null);
    return values.length === 0 ? null : Math.max(...values);
  };
  return {
    second: points[0]?.second ?? 0,
    requests: points.reduce((sum, { requests }) => sum + requests, 0),
    errors: points.reduce((sum, { errors }) => sum + errors, 0),
    p50Ms: highest(({ p50Ms }) => p50Ms),
    p99Ms: highest(({ p99Ms }) => p99Ms),
    maxMs: highest(({ maxMs }) => maxMs),
  };
}
