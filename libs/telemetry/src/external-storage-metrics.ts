import { histogramSamples, registerCollected } from './families.js';
import type { HistogramSnapshot, Sample } from './families.js';
import type { Registry } from './registry.js';

/** What a replica over an external etcd counts; consensus' `ExternalMetrics` is one. Counters since the start of the process. */
export interface ExternalStorageSource {
  readonly requests: readonly {
    readonly operation: string;
    readonly total: number;
    readonly errors: number;
    readonly seconds: HistogramSnapshot;
  }[];
  readonly watchRestarts: number;
  readonly reloads: number;
  readonly compactions: number;
  readonly etcdRevision: number;
  readonly revision: number;
  readonly pendingWrites: number;
  readonly sizeBytes: number;
  readonly hasQuorum: boolean;
  readonly leaderChanges: number;
}

/**
 * How a master's external etcd serves it: requests under kube-apiserver's names, the rest under our own. What etcd does
 * inside is its own metrics' business.
 */
export function createExternalStorageMetrics(source: () => ExternalStorageSource, registry: Registry): void {
  const register = (
    type: 'counter' | 'gauge' | 'histogram',
    name: string,
    help: string,
    samples: (current: ExternalStorageSource) => readonly Sample[],
  ): void => registerCollected({ registry, name, help }, type, () => samples(source()));
  const single = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    value: (current: ExternalStorageSource) => number,
  ): void => register(type, name, help, (current) => [{ labels: {}, value: value(current) }]);

  const duration = 'etcd_request_duration_seconds';
  register('histogram', duration, 'Time of requests to etcd, by its own operation.', ({ requests }) =>
    requests.flatMap(({ operation, seconds }) => histogramSamples(duration, { operation }, seconds)),
  );
  register('counter', 'etcd_requests_total', 'Requests to etcd.', ({ requests }) =>
    requests.map(({ operation, total }) => ({ labels: { operation }, value: total })),
  );
  register('counter', 'etcd_request_errors_total', 'Requests to etcd that failed.', ({ requests }) =>
    requests.map(({ operation, errors }) => ({ labels: { operation }, value: errors })),
  );
  const prefix = 'trireme_storage_';
  single('gauge', `${prefix}has_quorum`, 'Whether a quorum of etcd answers: 1 or 0.', (s) =>
    Number(s.hasQuorum),
  );
  single('gauge', `${prefix}etcd_revision`, 'Newest revision that etcd has told of.', (s) => s.etcdRevision);
  single('gauge', `${prefix}revision`, 'Revision that this replica stands at.', (s) => s.revision);
  single('gauge', `${prefix}size_bytes`, 'Memory of this replica, history included.', (s) => s.sizeBytes);
  single('gauge', `${prefix}pending_writes`, 'Writes not yet answered.', (s) => s.pendingWrites);
  single('counter', `${prefix}watch_restarts_total`, 'Watches of etcd opened anew.', (s) => s.watchRestarts);
  single('counter', `${prefix}reloads_total`, 'Times that everything had to be read anew.', (s) => s.reloads);
  single('counter', `${prefix}compactions_total`, 'Compactions of etcd asked for.', (s) => s.compactions);
  single('counter', `${prefix}leader_changes_total`, 'Changes of leader seen.', (s) => s.leaderChanges);
}
