import { createHash } from 'node:crypto';
import type { EtcdSpace, Replica } from '#libs/consensus';
import type { ResponseHeader } from './messages.js';

/** What the service may reach of a replica: the etcd key space and facts about the group, nothing of the API server's. */
export type EtcdBackend = Pick<
  Replica,
  | 'etcdSpace'
  | 'leadership'
  | 'onLeadership'
  | 'status'
  | 'transferLeadership'
  | 'metrics'
  | 'disarm'
  | 'members'
>;

/** The replica as this service's methods see it, with the facts that every response begins with. */
export class Serving {
  readonly clusterId: number;
  readonly memberId: number;

  constructor(readonly backend: EtcdBackend) {
    const { clusterId, memberId } = backend.status();
    this.clusterId = numericId(clusterId);
    this.memberId = memberId;
  }

  get space(): EtcdSpace {
    return this.backend.etcdSpace;
  }

  header(revision: number = this.space.revision): ResponseHeader {
    return {
      cluster_id: this.clusterId,
      member_id: this.memberId,
      revision,
      raft_term: this.backend.leadership.term,
    };
  }
}

/** etcd's cluster ids are numbers: 48 bits of a hash of ours, so that every language can hold them. */
function numericId(clusterId: string): number {
  return createHash('sha256').update(clusterId).digest().readUIntBE(0, 6);
}
