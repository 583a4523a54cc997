/**
 * The one definition of a load, as plain data that every engine reads: autocannon in this process, and k6 from a file
 * (loadtest/k6/scenarios.ts imports this module as it is, so it may import nothing).
 */
export const scenarioNames = ['create', 'read', 'list', 'watch'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export const engineNames = ['autocannon', 'k6'] as const;
export type EngineName = (typeof engineNames)[number];

/** What one request is. `{n}` in the path and the body stands for the number of the request. */
export interface Work {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: string | null;
  /** The status of a good answer; any other is an error. */
  readonly status: number;
  /** Requests go over the numbers 0…items−1, scattered; null: every number is used once. */
  readonly items: number | null;
  /** A watch answers at once and ends when its time is over: its latency is that of the first byte. */
  readonly latencyOf: 'response' | 'first-byte';
  /** Lines (watch events) that a good answer holds at least; 0: the body is not looked at. */
  readonly minimumLines: number;
}

export interface Threshold {
  /** Milliseconds for the percentiles; for `errors` the share of the requests, 0 to 1. */
  readonly of: 'p50' | 'p95' | 'p99' | 'p99.9' | 'errors';
  readonly operator: '<' | '<=';
  readonly limit: number;
}

export interface LoadPlan {
  readonly scenario: ScenarioName;
  readonly work: Work;
  /** Base URLs; client i uses number i modulo their count. */
  readonly servers: readonly string[];
  /** PEM. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly clients: number;
  /** Requests a second of all clients together; null: a closed loop, each client as fast as it is answered. */
  readonly rate: number | null;
  readonly seconds: number;
  /** The load ends when this many requests were sent. */
  readonly maximumRequests: number;
  readonly thresholds: readonly Threshold[];
}

/** Milliseconds. */
export interface LatencySummary {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly 'p99.9': number;
  readonly mean: number;
  readonly max: number;
}

/** What an engine measured; the same from each. */
export interface EngineReport {
  readonly engine: EngineName;
  readonly protocol: string;
  readonly seconds: number;
  /** Requests that got an answer or an error. */
  readonly requests: number;
  readonly errors: number;
  readonly firstError: string | null;
  /** Requests of the set rate that no client was free to send. */
  readonly dropped: number;
  readonly latencyMs: LatencySummary;
  /**
   * `corrected`: a late answer also counts for the requests that it kept from being sent (HdrHistogram's correction);
   * `open-model`: requests start when they are due, whatever is under way; `none`: a closed loop.
   */
  readonly coordinatedOmission: 'corrected' | 'open-model' | 'none';
}

/** A prime, so that consecutive requests go to items that lie apart and each item has its turn. */
const stride = 7_919;

/** Path and body of the n-th request. */
export function requestAt(work: Work, n: number): { readonly path: string; readonly body: string | null } {
  const id = String(work.items === null ? n : (n * stride) % work.items);
  return {
    path: work.path.replace('{n}', id),
    body: work.body === null ? null : work.body.replace('{n}', id),
  };
}

/** What is wrong with an answer; undefined when it is the one that was wanted. */
export function faultOf(work: Work, status: number, body: string | null): string | undefined {
  if (status !== work.status) return `${work.method} ${work.path}: ${status} ${(body ?? '').slice(0, 300)}`;
  if (work.minimumLines === 0) return undefined;
  const lines = (body ?? '').split('\n').length - 1;
  return lines >= work.minimumLines
    ? undefined
    : `${work.method} ${work.path}: ${lines} events, at least ${work.minimumLines} are wanted`;
}
