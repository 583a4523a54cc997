import { histogramSamples, registerCollected } from './families.js';
import type { HistogramSnapshot, Sample } from './families.js';
import { createRegistry } from './registry.js';
import type { Registry } from './registry.js';

export interface EtcdPeerSource {
  readonly name: string;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sendFailures: number;
  readonly roundTripSeconds: HistogramSnapshot;
}

/** What the consensus room counts; `ConsensusMetrics` is one. Counters since the start of the process. */
export interface EtcdMetricsSource {
  readonly hasLeader: boolean;
  readonly isLeader: boolean;
  readonly isLearner: boolean;
  /** Promotions of learners that were asked of this member. */
  readonly promotions: {
    readonly successes: number;
    readonly failures: Readonly<Record<string, number>>;
  };
  readonly leaderChanges: number;
  readonly proposalsCommitted: number;
  readonly proposalsApplied: number;
  readonly proposalsFailed: number;
  readonly proposalsPending: number;
  readonly quotaBytes: number;
  readonly sizeBytes: number;
  /** Without history that compaction would free; the metric is left out where it is not known. */
  readonly inUseBytes?: number;
  /** Room left where the log is; the metric is left out where it is not known. */
  readonly diskFreeBytes?: number | undefined;
  /** Raised now, of all members. */
  readonly alarms: readonly { readonly type: string; readonly member: string }[];
  readonly walFsyncSeconds: HistogramSnapshot;
  readonly threadDelaySeconds: HistogramSnapshot;
  readonly snapshotSeconds: HistogramSnapshot;
  readonly peers: readonly EtcdPeerSource[];
  readonly logMemoryBytes: number;
}

export interface EtcdMetrics {
  readonly registry: Registry;
}

/**
 * Consensus and store under etcd's names, for dashboards and alerts of the etcd mixin.
 * `source` is asked once a scrape, whatever the number of metrics; it may answer later.
 */
export function createEtcdMetrics(
  source: () => EtcdMetricsSource | Promise<EtcdMetricsSource>,
  registry: Registry = createRegistry(),
): EtcdMetrics {
  let taken: Promise<EtcdMetricsSource> | undefined;
  const take = (): Promise<EtcdMetricsSource> => {
    taken ??= Promise.resolve(source()).finally(() => (taken = undefined));
    return taken;
  };
  const register = (
    type: 'counter' | 'gauge' | 'histogram',
    name: string,
    help: string,
    samples: (status: EtcdMetricsSource, name: string) => readonly Sample[],
  ): void => registerCollected({ registry, name, help }, type, async () => samples(await take(), name));
  const single = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    value: (status: EtcdMetricsSource) => number | undefined,
  ): void =>
    register(type, name, help, (status) => {
      const current = value(status);
      return current === undefined ? [] : [{ labels: {}, value: current }];
    });
  registerServer(single);
  registerMembership(single, register);
  registerStorage(single, register);
  registerPeers(register);
  return { registry };
}

type Single = (
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: (status: EtcdMetricsSource) => number | undefined,
) => void;
type Register = (
  type: 'counter' | 'gauge' | 'histogram',
  name: string,
  help: string,
  samples: (status: EtcdMetricsSource, name: string) => readonly Sample[],
) => void;

function registerServer(single: Single): void {
  const prefix = 'etcd_server_';
  single('gauge', `${prefix}has_leader`, 'Whether a leader is known: 1 or 0.', (s) => Number(s.hasLeader));
  single('gauge', `${prefix}is_leader`, 'Whether this member leads: 1 or 0.', (s) => Number(s.isLeader));
  single('counter', `${prefix}leader_changes_seen_total`, 'Changes of leader seen.', (s) => s.leaderChanges);
  single(
    'counter',
    `${prefix}proposals_committed_total`,
    'Highest committed index.',
    (s) => s.proposalsCommitted,
  );
  single('counter', `${prefix}proposals_applied_total`, 'Highest applied index.', (s) => s.proposalsApplied);
  single('gauge', `${prefix}proposals_pending`, 'Proposals not yet answered.', (s) => s.proposalsPending);
  single('counter', `${prefix}proposals_failed_total`, 'Proposals that failed.', (s) => s.proposalsFailed);
  single('gauge', `${prefix}quota_backend_bytes`, 'Size limit of the store.', (s) => s.quotaBytes);
}

function registerMembership(single: Single, register: Register): void {
  const prefix = 'etcd_server_';
  single('gauge', `${prefix}is_learner`, 'Whether this member has no vote: 1 or 0.', (s) =>
    Number(s.isLearner),
  );
  // etcd's names; as counters they would have to end in _total for promtool.
  single(
    'gauge',
    `${prefix}learner_promote_successes`,
    'Promotions of learners that were asked for here and took effect.',
    (s) => s.promotions.successes,
  );
  register(
    'gauge',
    `${prefix}learner_promote_failures`,
    'Promotions of learners that were asked for here and refused, by reason.',
    ({ promotions }) =>
      Object.entries(promotions.failures).map(([Reason, value]) => ({ labels: { Reason }, value })),
  );
}

function registerStorage(single: Single, register: Register): void {
  single(
    'gauge',
    'etcd_mvcc_db_total_size_in_bytes',
    'Size of the store, history included.',
    (s) => s.sizeBytes,
  );
  single(
    'gauge',
    'etcd_mvcc_db_total_size_in_use_in_bytes',
    'Size of what lives in the store, without history.',
    (s) => s.inUseBytes,
  );
  register(
    'gauge',
    'trireme_alarm',
    'An alarm that is raised, by type and by the member that it is about: always 1.',
    ({ alarms }) => alarms.map(({ type, member }) => ({ labels: { type, member }, value: 1 })),
  );
  single('gauge', 'trireme_disk_free_bytes', 'Room left on the disk of the log.', (s) => s.diskFreeBytes);
  single(
    'gauge',
    'trireme_consensus_log_memory_bytes',
    'Log entries held in memory.',
    (s) => s.logMemoryBytes,
  );
  register(
    'histogram',
    'etcd_disk_wal_fsync_duration_seconds',
    'Time of making appended log entries durable.',
    (s, name) => histogramSamples(name, {}, s.walFsyncSeconds),
  );
  register(
    'histogram',
    'trireme_consensus_thread_delay_seconds',
    'By how much ticks of the consensus thread came late.',
    (s, name) => histogramSamples(name, {}, s.threadDelaySeconds),
  );
  register(
    'histogram',
    'etcd_disk_backend_commit_duration_seconds',
    'Time of writing the store to disk: here, of one snapshot.',
    (s, name) => histogramSamples(name, {}, s.snapshotSeconds),
  );
}

function registerPeers(register: Register): void {
  const prefix = 'etcd_network_peer_';
  const each = (label: 'To' | 'From', value: (peer: EtcdPeerSource) => number) => (s: EtcdMetricsSource) =>
    s.peers.map((peer) => ({ labels: { [label]: peer.name }, value: value(peer) }));
  register('histogram', `${prefix}round_trip_time_seconds`, 'Round trip time to each peer.', (s, name) =>
    s.peers.flatMap((peer) => histogramSamples(name, { To: peer.name }, peer.roundTripSeconds)),
  );
  register(
    'counter',
    `${prefix}sent_bytes_total`,
    'Bytes sent to each peer.',
    each('To', (p) => p.sentBytes),
  );
  register(
    'counter',
    `${prefix}received_bytes_total`,
    'Bytes received from each peer.',
    each('From', (p) => p.receivedBytes),
  );
  register(
    'counter',
    `${prefix}sent_failures_total`,
    'Messages to each peer that could not be sent.',
    each('To', (p) => p.sendFailures),
  );
}
