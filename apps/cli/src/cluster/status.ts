import { AdminClient, type AlarmReport, type ReplicaReport } from './admin-client.js';
import { type ClusterState, etcdUrl, httpsUrl } from './state.js';

/** `status -o json`, as documented in docs/operations.md. */
export interface ClusterStatus {
  readonly cluster: string;
  readonly leader: string | undefined;
  readonly term: number;
  readonly quorum: boolean;
  /** As the furthest replica tells them. */
  readonly alarms: readonly AlarmReport[];
  readonly members: readonly MemberReport[];
}

export interface MemberReport {
  readonly name: string;
  readonly id: number;
  readonly role: 'leader' | 'follower' | 'learner' | 'observer';
  readonly pid: number | undefined;
  readonly apiServer: string;
  readonly peer: string;
  readonly metrics: string;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Of the store, history included; at `quotaBytes` only reads and deletes are taken. */
  readonly sizeBytes: number;
  readonly quotaBytes: number;
  readonly healthy: boolean;
  /** Of the product; undefined when it does not answer. */
  readonly version?: string;
  /** URL for etcd's clients, where that service is on. */
  readonly etcd?: string;
}

/** Asks every master for its own view. The leader is who says so in the highest term; a deposed one may still claim it. */
export async function clusterStatus(state: ClusterState): Promise<ClusterStatus> {
  const client = await AdminClient.open(state);
  const reports = await Promise.all(state.masters.map(async (master) => client.report(master)));
  const known = reports.filter((report): report is ReplicaReport => report !== undefined);
  const term = Math.max(0, ...known.map((report) => report.term));
  const leader = known.find((report) => report.role === 'leader' && report.term === term && report.quorum);
  const furthest = known.toSorted((a, b) => b.appliedIndex - a.appliedIndex)[0];
  return {
    cluster: state.name,
    leader: leader?.name,
    term,
    quorum: leader !== undefined,
    alarms: furthest?.alarms ?? [],
    members: state.masters.map((master, i) => {
      const report = reports[i];
      const etcd = etcdUrl(state, master);
      const apiServer = httpsUrl(master.host, master.apiPort);
      const role =
        report?.role === 'leader' && report.name !== leader?.name ? 'follower' : (report?.role ?? 'follower');
      return {
        name: master.name,
        id: master.id,
        role,
        pid: master.pid,
        apiServer,
        peer: httpsUrl(master.host, master.peerPort),
        metrics: `${apiServer}/metrics`,
        term: report?.term ?? 0,
        commitIndex: report?.commitIndex ?? 0,
        appliedIndex: report?.appliedIndex ?? 0,
        sizeBytes: report?.sizeBytes ?? 0,
        quotaBytes: report?.quotaBytes ?? 0,
        healthy: report?.ready === true,
        ...(report?.version === undefined ? {} : { version: report.version }),
        ...(etcd === undefined ? {} : { etcd }),
      };
    }),
  };
}
