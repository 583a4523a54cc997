import type { Leadership, MemberStatus, StorageStatus } from '../storage.js';
import { alarmsOf } from './etcd-status.js';
import type { ExternalState } from './external-state.js';
import type { StatusResponse } from './grpc/messages.js';
import type { ExternalMember, ResolvedExternalOptions } from './options.js';

export interface ExternalObserved {
  readonly options: ResolvedExternalOptions;
  readonly state: ExternalState;
  readonly leadership: Leadership;
  readonly hasQuorum: boolean;
  /** The newest that etcd has told of. */
  readonly etcdRevision: number;
  /** etcd's own status, up to some seconds old. */
  readonly etcd: StatusResponse | undefined;
}

/** Indexes are etcd's revisions: there is no log of our own. A quota that etcd does not tell (before 3.6) is no number to go by. */
export function describeExternal(observed: ExternalObserved): StorageStatus {
  const { options, state, leadership, hasQuorum, etcdRevision, etcd } = observed;
  const { mirror } = state;
  const newest = Math.max(etcdRevision, mirror.revision);
  return {
    clusterId: options.clusterId,
    memberId: options.memberId,
    name: options.name,
    leadership,
    quorum: hasQuorum,
    commitIndex: newest,
    appliedIndex: mirror.revision,
    lastIndex: newest,
    revision: mirror.revision,
    compactRevision: mirror.compactedRevision,
    // etcd's, of everything that it holds: what its quota is held against. This replica's own while that is not known.
    sizeBytes: etcd?.dbSize ?? mirror.sizeBytes,
    quotaBytes: etcd?.dbSizeQuota || Number.MAX_SAFE_INTEGER,
    members: options.members.map((member) => describeMember(member, observed)),
    alarms: etcd === undefined ? [] : alarmsOf(etcd),
  };
}

function describeMember(
  { id, name, observer }: ExternalMember,
  { options, state, leadership }: ExternalObserved,
): MemberStatus {
  return {
    id,
    name,
    role: name === leadership.leader ? 'leader' : observer === true ? 'observer' : 'follower',
    peerUrl: '',
    matchIndex: id === options.memberId ? state.mirror.revision : undefined,
    active: state.record('member', id) !== undefined,
  };
}
