import type { Store } from '#libs/mvcc';
import type { Member } from '../membership/member-directory.js';
import type { ConsensusMetrics, FollowerMetrics } from '../metrics.js';
import type { AlarmStatus, Leadership, MemberStatus, StorageStatus } from '../storage.js';
import type { ThreadReport } from '../thread/protocol.js';
import type { ResolvedOptions } from './options.js';

/** What a replica knows at one moment. `report` is the consensus thread's last word, up to half a second old. */
export interface Observed {
  readonly options: ResolvedOptions;
  readonly members: readonly Member[];
  readonly store: Store;
  readonly leadership: Leadership;
  readonly leaderlessMs: number;
  readonly report: ThreadReport | undefined;
}

export function describeStatus(observed: Observed): StorageStatus {
  const { options, store, leadership, leaderlessMs, report } = observed;
  const electionMs = options.tickMs * options.electionTicks;
  return {
    clusterId: options.clusterId,
    memberId: options.memberId,
    name: options.name,
    leadership,
    quorum: report !== undefined && leaderlessMs <= electionMs,
    commitIndex: Math.max(report?.commitIndex ?? 0, store.appliedIndex),
    appliedIndex: store.appliedIndex,
    lastIndex: Math.max(report?.lastIndex ?? 0, store.appliedIndex),
    revision: store.revision,
    compactRevision: store.compactedRevision,
    sizeBytes: store.sizeBytes,
    quotaBytes: options.quotaBytes,
    members: observed.members.map((member) => describeMember(member, observed)),
    alarms: describeAlarms(observed),
  };
}

function describeAlarms({ store, members }: Observed): AlarmStatus[] {
  return store.alarms().map(({ type, member }) => ({
    type,
    memberId: member,
    member: members.find(({ id }) => id === member)?.name ?? '',
  }));
}

function describeMember({ id, name, host, port, role }: Member, observed: Observed): MemberStatus {
  const { leadership, options, report } = observed;
  const { leader, isLeader } = leadership;
  const self = id === options.memberId;
  const progress = report?.followers.find((follower) => follower.id === id);
  return {
    id,
    name,
    role: name === leader ? 'leader' : role === 'voter' ? 'follower' : role,
    peerUrl: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    matchIndex: self ? report?.lastIndex : progress?.matchIndex,
    // Only a leader hears of all; a follower vouches for itself and its leader.
    active: self || name === leader || (isLeader && progress?.active === true),
  };
}

function describeFollowers({ leadership, members, options, report }: Observed): FollowerMetrics[] {
  if (!leadership.isLeader) return [];
  if (report === undefined) return [];
  return report.followers.flatMap(({ id, ...known }) => {
    const name = members.find((member) => member.id === id)?.name;
    if (name === undefined || id === options.memberId) return [];
    return [{ name, lagEntries: Math.max(0, report.lastIndex - known.matchIndex), ...known }];
  });
}

type Counted = Pick<
  ConsensusMetrics,
  | 'leaderChanges'
  | 'proposalsFailed'
  | 'proposalsPending'
  | 'snapshotSeconds'
  | 'promotions'
  | 'diskFreeBytes'
>;

const noObservations = { bounds: [], counts: [], sum: 0, count: 0 };

export function describeMetrics(observed: Observed, counted: Counted): ConsensusMetrics {
  const { options, store, leadership, report } = observed;
  return {
    ...counted,
    hasLeader: leadership.leader !== undefined,
    isLeader: leadership.isLeader,
    isLearner: observed.members.some(({ id, role }) => id === options.memberId && role !== 'voter'),
    proposalsCommitted: Math.max(report?.commitIndex ?? 0, store.appliedIndex),
    proposalsApplied: store.appliedIndex,
    alarms: describeAlarms(observed),
    quotaBytes: options.quotaBytes,
    sizeBytes: store.sizeBytes,
    inUseBytes: store.inUseBytes,
    walFsyncSeconds: report?.walFsyncSeconds ?? noObservations,
    threadDelaySeconds: report?.threadDelaySeconds ?? noObservations,
    peers: report?.peers ?? [],
    followers: describeFollowers(observed),
    logMemoryBytes: report?.logMemoryBytes ?? 0,
  };
}
