import { performance } from 'node:perf_hooks';
import { Latencies, type LatencySummary } from '../stats.js';
import type { EngineName } from './plan.js';
import type { Tick } from './ticks.js';

/** One second of a load. */
export interface TimelinePoint {
  /** Seconds since the start at which it begins. */
  readonly second: number;
  /** Answers and errors in it. */
  readonly requests: number;
  readonly errors: number;
  /** Milliseconds; null when nothing was answered well. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export interface StepReport {
  readonly requests: number;
  readonly errors: number;
  readonly latencyMs: LatencySummary;
}

/** What an engine measured; the same from each. */
export interface EngineReport {
  readonly engine: EngineName;
  readonly protocol: string;
  readonly seconds: number;
  /** Requests that got an answer or an error; looks at what a step waits for are not counted. */
  readonly requests: number;
  readonly errors: number;
  readonly firstError: string | null;
  /** Iterations of the set rate that never began, because no client was free. */
  readonly dropped: number;
  readonly latencyMs: LatencySummary;
  readonly steps: Readonly<Record<string, StepReport>>;
  readonly timeline: readonly TimelinePoint[];
  /**
   * `due-time`: latencies count from when a request was due, however late it was sent; `open-model`: requests start
   * when they are due or are dropped; `none`: a closed loop.
   */
  readonly coordinatedOmission: 'due-time' | 'open-model' | 'none';
  /** CPU time of the load generators alone; null where the system does not tell. */
  readonly generatorCpuSeconds: number | null;
}

interface Second {
  requests: number;
  errors: number;
  readonly latencies: Latencies;
}

/** Steps that are no requests: they are reported, and count for nothing else. */
const observations = new Set(['event']);

/** Keeps what the generators tell, second by second and step by step, and makes the report of it. */
export class Recorder {
  readonly #all = new Latencies();
  readonly #steps = new Map<string, Second>();
  readonly #seconds = new Map<number, Second>();
  readonly #onSecond: (point: TimelinePoint) => void;
  readonly #lastSecond: number;
  #firstError: string | null = null;
  #beganMs = 0;
  #endedMs = 0;
  #told = -1;

  /** What is answered after the load's time counts for its last second. */
  constructor(seconds: number, onSecond: (point: TimelinePoint) => void = () => {}) {
    this.#lastSecond = Math.max(0, Math.ceil(seconds) - 1);
    this.#onSecond = onSecond;
  }

  begin(): void {
    this.#beganMs = performance.now();
  }

  end(): void {
    this.#endedMs = performance.now();
    this.#tell(Infinity);
  }

  fault(fault: string): void {
    this.#firstError ??= fault;
  }

  tick({ second, steps }: Tick): void {
    const whole = entryOf(this.#seconds, Math.min(second, this.#lastSecond));
    for (const { step, latenciesMs, errors } of steps) {
      const of = entryOf(this.#steps, step);
      of.requests += latenciesMs.length + errors;
      of.errors += errors;
      for (const latency of latenciesMs) of.latencies.record(latency);
      if (observations.has(step)) continue;
      whole.requests += latenciesMs.length + errors;
      whole.errors += errors;
      for (const latency of latenciesMs) {
        whole.latencies.record(latency);
        this.#all.record(latency);
      }
    }
    // Generators hand on a second when it is over: the one before it is complete when two of the next have come.
    this.#tell(second - 1);
  }

  report(about: {
    readonly engine: EngineName;
    readonly protocol: string;
    readonly missed: number;
    readonly cpuSeconds: number | null;
    readonly openModel: boolean;
  }): EngineReport {
    const steps = [...this.#steps];
    const requests = steps.filter(([name]) => !observations.has(name)).map(([, of]) => of);
    return {
      engine: about.engine,
      protocol: about.protocol,
      seconds: (this.#endedMs - this.#beganMs) / 1_000,
      requests: requests.reduce((sum, of) => sum + of.requests, 0),
      errors: requests.reduce((sum, of) => sum + of.errors, 0),
      firstError: this.#firstError,
      dropped: about.missed,
      latencyMs: this.#all.summary(),
      steps: Object.fromEntries(
        steps.map(([name, of]) => [
          name,
          { requests: of.requests, errors: of.errors, latencyMs: of.latencies.summary() },
        ]),
      ),
      timeline: [...this.#seconds].sort(([a], [b]) => a - b).map(([second, of]) => pointOf(second, of)),
      coordinatedOmission: about.openModel ? 'due-time' : 'none',
      generatorCpuSeconds: about.cpuSeconds,
    };
  }

  #tell(until: number): void {
    const due = [...this.#seconds].filter(([second]) => second > this.#told && second <= until);
    for (const [second, of] of due.sort(([a], [b]) => a - b)) {
      this.#told = second;
      this.#onSecond(pointOf(second, of));
    }
  }
}

function entryOf<K>(map: Map<K, Second>, key: K): Second {
  let entry = map.get(key);
  if (entry === undefined) map.set(key, (entry = { requests: 0, errors: 0, latencies: new Latencies() }));
  return entry;
}

function pointOf(second: number, { requests, errors, latencies }: Second): TimelinePoint {
  const at = (p: number): number | null => (latencies.count === 0 ? null : latencies.percentile(p));
  return { second, requests, errors, p50Ms: at(50), p99Ms: at(99), maxMs: at(100) };
}
