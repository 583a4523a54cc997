/**
 * The one definition of a load, as plain data that every engine reads: autocannon in generator processes, and k6 from a
 * file (loadtest/k6/scenarios.ts imports this module as it is, so it may import nothing).
 *
 * A plan has groups of clients. A client of a group does iterations: the n-th iteration of the group is one of its
 * operations, a sequence of steps (requests) of which each starts when the one before it was answered.
 */
export const scenarioNames = [
  'create',
  'read',
  'list',
  'watch',
  'mixed',
  'churn',
  'rolling-update',
  'heartbeats',
  'scale-nodes',
  'scale-pods',
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export const engineNames = ['autocannon', 'k6'] as const;
export type EngineName = (typeof engineNames)[number];

/**
 * One request. In path and body, `{n}` stands for the number of the iteration, `{i}` for that of an item (0…items−1,
 * scattered), `{c}` for that of the client, `{micro}` and `{ms}` for the time (a MicroTime; milliseconds since 1970).
 */
export interface Step {
  /** What the report calls it. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body: string | null;
  readonly contentType: string | null;
  /** Statuses of a good answer; any other is an error. */
  readonly status: readonly number[];
  /** A watch answers at once and ends when its time is over: its latency is that of the first byte. */
  readonly latencyOf: 'response' | 'first-byte';
  /** Lines (watch events) that a good answer holds at least; 0: the body is not looked at. */
  readonly minimumLines: number;
  /** The step is repeated until the Deployment in the answer is this far; its latency counts from the iteration's start. */
  readonly until: 'rolled-out' | null;
}

export interface Operation {
  /** Its share of the iterations, against the weights of the group's other operations. */
  readonly weight: number;
  readonly steps: readonly Step[];
}

/** Iterations a second of a whole group: constant, or a straight line from one rate to another over the load's time. */
export interface Rate {
  readonly from: number;
  readonly to: number;
}

export interface Group {
  readonly name: string;
  /** Each has a connection of its own. */
  readonly clients: number;
  /** Null: a closed loop, each client as fast as it is answered. A rate: iterations start when they are due. */
  readonly rate: Rate | null;
  readonly items: number;
  readonly operations: readonly Operation[];
  /** The group ends when this many iterations have begun. */
  readonly maximumIterations: number;
}

export interface Threshold {
  /** A step's name; null: all requests. */
  readonly step: string | null;
  /** Milliseconds for the percentiles; for `errors` the share of the requests, 0 to 1. */
  readonly of: 'p50' | 'p95' | 'p99' | 'p99.9' | 'p99.99' | 'errors';
  readonly operator: '<' | '<=';
  readonly limit: number;
}

export interface LoadPlan {
  readonly scenario: ScenarioName;
  /** The first is the one that clients, rate and duration of the command line are about. */
  readonly groups: readonly Group[];
  /** Base URLs; client i uses number i modulo their count. */
  readonly servers: readonly string[];
  /** PEM. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly seconds: number;
}

/** Between two looks at something that is being waited for. */
export const pollMs = 50;
/** Longest wait for a step's `until`. */
export const untilLimitMs = 120_000;
/** Longest wait for an answer. */
export const requestTimeoutSeconds = 30;

/** Quantiles (percent) that every engine reports: enough for a curve, p99.99 included. */
export const quantiles = [
  0, 1, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 96.5, 98, 99, 99.5, 99.8, 99.9, 99.95,
  99.98, 99.99, 99.995, 99.999, 100,
] as const;

/** A prime, so that consecutive requests go to items that lie apart and each item has its turn. */
const stride = 7_919;

/** The operation of the n-th iteration: over each run of as many iterations as all weights, in exact proportion. */
export function operationAt(group: Group, n: number): Operation {
  let slot = (n * stride) % totalWeight(group);
  for (const operation of group.operations) {
    if (slot < operation.weight) return operation;
    slot -= operation.weight;
  }
  throw new Error(`group ${group.name} has no operations`);
}

function totalWeight(group: Group): number {
  return group.operations.reduce((sum, { weight }) => sum + weight, 0);
}

/** The item of the n-th iteration: all have their turn before any a second time, for each operation alike. */
function itemAt(group: Group, n: number): number {
  const total = totalWeight(group);
  return (Math.floor(n / total) * stride + ((n * stride) % total)) % group.items;
}

export interface BuiltRequest {
  readonly path: string;
  readonly body: string | null;
}

/** Path and body of a step of the n-th iteration, by client `c`, at a time (milliseconds since 1970). */
export function requestOf(group: Group, step: Step, n: number, c: number, nowMs: number): BuiltRequest {
  const fill = (text: string): string =>
    text.replace(/\{(n|i|c|ms|micro)\}/g, (_, name: string) => {
      if (name === 'n') return String(n);
      if (name === 'i') return String(itemAt(group, n));
      if (name === 'c') return String(c);
      // A MicroTime has six digits.
      return name === 'ms' ? nowMs.toFixed(3) : new Date(nowMs).toISOString().replace('Z', '000Z');
    });
  return { path: fill(step.path), body: step.body === null ? null : fill(step.body) };
}

/** What is wrong with an answer; undefined when it is one that was wanted. */
export function faultOf(step: Step, status: number, body: string | null): string | undefined {
  if (!step.status.includes(status)) {
    return `${step.method} ${step.path}: ${status} ${(body ?? '').slice(0, 300)}`;
  }
  if (step.minimumLines === 0) return undefined;
  const lines = (body ?? '').split('\n').length - 1;
  return lines >= step.minimumLines
    ? undefined
    : `${step.method} ${step.path}: ${lines} events, at least ${step.minimumLines} are wanted`;
}

interface DeploymentProgress {
  readonly metadata?: { readonly generation?: number };
  readonly spec?: { readonly replicas?: number };
  readonly status?: Readonly<
    Record<
      'observedGeneration' | 'replicas' | 'updatedReplicas' | 'readyReplicas' | 'availableReplicas',
      number | undefined
    >
  >;
}

/** Whether the answer shows what the step waits for. */
export function isReached(step: Step, body: string | null): boolean {
  if (step.until === null) return true;
  const { metadata, spec, status } = JSON.parse(body ?? '{}') as DeploymentProgress;
  const wanted = spec?.replicas ?? 0;
  return (
    (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 1) &&
    [status?.replicas, status?.updatedReplicas, status?.readyReplicas, status?.availableReplicas].every(
      (count) => (count ?? 0) === wanted,
    )
  );
}

/** Milliseconds after the start at which the n-th iteration (from 0) is due, n/rate for a constant one. */
export function dueAtMs({ from, to }: Rate, seconds: number, n: number): number {
  if (from === to) return (n * 1_000) / from;
  // n = from·t + (to − from)·t²/2·seconds
  const slope = (to - from) / seconds;
  const root = from * from + 2 * slope * n;
  return root < 0 ? Infinity : (1_000 * (Math.sqrt(root) - from)) / slope;
}

/** Iterations that are due within the time. */
export function iterationsDue({ from, to }: Rate, seconds: number): number {
  return Math.floor(((from + to) / 2) * seconds);
}
