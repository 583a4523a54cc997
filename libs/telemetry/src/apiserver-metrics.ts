import {
  createCounterFamily,
  createGaugeFamily,
  createHistogramFamily,
  registerCollected,
} from './families.js';
import type { CounterChild, Family, GaugeChild, HistogramChild } from './families.js';
import { createRegistry } from './registry.js';
import type { Registry } from './registry.js';

/** Which kind of request; empty strings where something does not apply, as in Kubernetes. */
export interface RequestLabels {
  /** LIST, GET, WATCH, POST, PUT, PATCH, DELETE, DELETECOLLECTION, CONNECT, …: an unknown one is counted as `other`. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: '' | 'resource' | 'namespace' | 'cluster';
}

export interface RequestOutcome extends RequestLabels {
  /** HTTP status. */
  readonly code: number;
  /** From the first byte read to the last written, or for a watch until it was opened. */
  readonly seconds: number;
}

/** The handles of one kind of request, to be kept by a caller that serves many of it. */
export interface RequestRecorder {
  observe(code: number, seconds: number): void;
}

/** The seats of one priority level. There are no queues: who finds no seat is refused at once. */
export interface FlowLevel {
  readonly priorityLevel: string;
  readonly seats: number;
  readonly executing: number;
  readonly dispatched: number;
  readonly rejected: number;
}

export interface ApiserverMetrics {
  readonly registry: Registry;
  request(labels: RequestLabels): RequestRecorder;
  /** The same for one request, with one lookup. */
  requestDone(outcome: RequestOutcome): void;
  /** A request that was cut off: timed out, refused for overload, or ended by a fault. */
  requestTerminated(labels: RequestLabels, code: number): void;
  readonly inflightMutating: GaugeChild;
  readonly inflightReadOnly: GaugeChild;
  /** Seconds until the certificate of a client that has just authenticated expires. */
  clientCertificateExpiresIn(seconds: number): void;
}

export interface ApiserverMetricsOptions {
  readonly registry?: Registry;
  /** Objects in the store by resource (`pods`, `deployments.apps`), taken at each scrape. */
  readonly storageObjects?: () => Iterable<readonly [resource: string, count: number]>;
  /** Requests that go on until their client leaves (watches, logs, exec), open now; taken at each scrape. */
  readonly longRunning?: () => Iterable<readonly [RequestLabels, count: number]>;
  /** Taken at each scrape. */
  readonly flow?: () => readonly FlowLevel[];
}

const sliBuckets = [
  0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
] as const;
const durationBuckets = [0.005, 0.025, ...sliBuckets] as const;
const certificateBuckets = [
  0, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 345600, 604800, 2592000, 7776000, 15552000, 31104000,
] as const;
const verbs = new Set(
  'APPLY CONNECT DELETE DELETECOLLECTION GET HEAD LIST OPTIONS PATCH POST PROXY PUT UPDATE WATCH WATCHLIST'.split(
    ' ',
  ),
);
/** Their seconds say how long the client stayed, nothing about the server. */
const untimedVerbs = new Set(['WATCH', 'WATCHLIST', 'CONNECT', 'PROXY']);
const component = 'apiserver';
const maxKinds = 2000;

/** Metrics of the API server, named and labelled as kube-apiserver's (k8s.io/apiserver/pkg/endpoints/metrics). */
export function createApiserverMetrics(options: ApiserverMetricsOptions = {}): ApiserverMetrics {
  const registry = options.registry ?? createRegistry();
  const requests = createRequestRecorders(registry);
  const inflight = createGaugeFamily({
    registry,
    name: 'apiserver_current_inflight_requests',
    help: 'Requests that are being served now, by kind, without those that go on until their client leaves.',
    labelNames: ['request_kind'],
  });
  const terminations = createCounterFamily({
    registry,
    name: 'apiserver_request_terminations_total',
    help: 'Requests that the server ended in self-defence.',
    labelNames: ['component', 'code', 'group', 'version', 'resource', 'subresource', 'scope', 'verb'],
  });
  const certificates = createHistogramFamily({
    registry,
    name: 'apiserver_client_certificate_expiration_seconds',
    help: 'Remaining lifetime of the certificate of each authenticated request.',
    buckets: certificateBuckets,
  }).child();
  if (options.storageObjects !== undefined) registerStorageObjects(registry, options.storageObjects);
  if (options.longRunning !== undefined) registerLongRunning(registry, options.longRunning);
  if (options.flow !== undefined) registerFlow(registry, options.flow);
  return {
    registry,
    request: (labels) => requests(labels),
    requestDone: (outcome) => requests(outcome).observe(outcome.code, outcome.seconds),
    requestTerminated: (labels, code) =>
      terminations.child(component, String(code), ...kindOf(labels), cleanVerb(labels.verb)).increment(),
    inflightMutating: inflight.child('mutating'),
    inflightReadOnly: inflight.child('readOnly'),
    clientCertificateExpiresIn: (seconds) => certificates.observe(seconds),
  };
}

function kindOf({ group, version, resource, subresource, scope }: RequestLabels): readonly string[] {
  return [group, version, resource, subresource, scope];
}

function cleanVerb(verb: string): string {
  return verbs.has(verb) ? verb : 'other';
}

function createRequestRecorders(registry: Registry): (labels: RequestLabels) => RequestRecorder {
  const labelNames = ['component', 'group', 'version', 'resource', 'subresource', 'scope', 'verb'];
  const total = createCounterFamily({
    registry,
    name: 'apiserver_request_total',
    help: 'Requests served, by kind and status code.',
    labelNames: [...labelNames, 'dry_run', 'code'],
    maxChildren: maxKinds * 2,
  });
  const duration = createHistogramFamily({
    registry,
    name: 'apiserver_request_duration_seconds',
    help: 'Time from receiving a request to the end of its response.',
    labelNames: [...labelNames, 'dry_run'],
    buckets: durationBuckets,
    maxChildren: maxKinds,
  });
  const sli = createHistogramFamily({
    registry,
    name: 'apiserver_request_sli_duration_seconds',
    help: 'Time that a request took in this server, without time spent in webhooks and in queues of flow control.',
    labelNames,
    buckets: sliBuckets,
    maxChildren: maxKinds,
  });
  const known = new Map<string, RequestRecorder>();
  return (labels) => {
    const { verb, group, version, resource, subresource, scope } = labels;
    const key = `${verb} ${group}/${version}/${resource}/${subresource}/${scope}`;
    const recorder = known.get(key);
    if (recorder !== undefined) return recorder;
    const values = [component, ...kindOf(labels), cleanVerb(verb)];
    const made = new KindRecorder(values, total, duration, sli);
    // Past the bound of the families below, recorders would differ only in name.
    if (known.size < maxKinds) known.set(key, made);
    return made;
  };
}

class KindRecorder implements RequestRecorder {
  private readonly byCode = new Map<number, CounterChild>();
  private readonly duration: HistogramChild | undefined;
  private readonly sli: HistogramChild | undefined;

  constructor(
    private readonly values: readonly string[],
    private readonly total: Family<CounterChild>,
    duration: Family<HistogramChild>,
    sli: Family<HistogramChild>,
  ) {
    const timed = !untimedVerbs.has(values.at(-1)!);
    this.duration = timed ? duration.child(...values, '') : undefined;
    this.sli = timed ? sli.child(...values) : undefined;
  }

  observe(code: number, seconds: number): void {
    let counter = this.byCode.get(code);
    if (counter === undefined) {
      counter = this.total.child(...this.values, '', String(code));
      this.byCode.set(code, counter);
    }
    counter.increment();
    this.duration?.observe(seconds);
    this.sli?.observe(seconds);
  }
}

function registerStorageObjects(
  registry: Registry,
  source: NonNullable<ApiserverMetricsOptions['storageObjects']>,
): void {
  registerCollected(
    { registry, name: 'apiserver_storage_objects', help: 'Objects in the store by resource.' },
    'gauge',
    () => [...source()].slice(0, maxKinds).map(([resource, value]) => ({ labels: { resource }, value })),
  );
}

function registerLongRunning(
  registry: Registry,
  source: NonNullable<ApiserverMetricsOptions['longRunning']>,
): void {
  registerCollected(
    {
      registry,
      name: 'apiserver_longrunning_requests',
      help: 'Requests that go on until their client leaves, open now.',
    },
    'gauge',
    () =>
      [...source()].slice(0, maxKinds).map(([{ verb, ...kind }, value]) => ({
        labels: { component, ...kind, verb: cleanVerb(verb) },
        value,
      })),
  );
}

function registerFlow(registry: Registry, source: NonNullable<ApiserverMetricsOptions['flow']>): void {
  const register = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    value: (level: FlowLevel) => number,
    more: Readonly<Record<string, string>> = {},
  ): void =>
    registerCollected({ registry, name: `apiserver_flowcontrol_${name}`, help }, type, () =>
      source().map((level) => ({
        labels: { priority_level: level.priorityLevel, flow_schema: 'all', ...more },
        value: value(level),
      })),
    );
  register('gauge', 'nominal_limit_seats', 'Requests that may be served at once.', ({ seats }) => seats);
  register('gauge', 'current_executing_requests', 'Requests being served now.', ({ executing }) => executing);
  register('counter', 'dispatched_requests_total', 'Requests let through.', ({ dispatched }) => dispatched);
  register('counter', 'rejected_requests_total', 'Requests refused.', ({ rejected }) => rejected, {
    reason: 'concurrency-limit',
  });
}
