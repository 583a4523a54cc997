import { status } from '@grpc/grpc-js';
import type { Serving } from '../backend.js';
import { EtcdError, etcdError } from '../errors.js';
import { clamp } from '../kv/requests.js';
import type { ResponseHeader } from '../messages.js';

/** Of the protocol that is spoken: what clients decide by which features they may use. */
export const protocolVersion = '3.6.0';

/** etcd knows one alarm for a store without room, whatever it is that is full. */
const alarmNames = { noSpace: 'NOSPACE', lowDisk: 'NOSPACE', corrupt: 'CORRUPT' } as const;

export interface AlarmRequest {
  readonly action: 'GET' | 'ACTIVATE' | 'DEACTIVATE';
  /** 0 for all. */
  readonly memberID: number;
  readonly alarm: 'NONE' | 'NOSPACE' | 'CORRUPT';
}

interface Headed {
  readonly header: ResponseHeader;
}

/** etcd's Maintenance service, without the snapshot's stream. */
export class MaintenanceService {
  constructor(private readonly serving: Serving) {}

  async status(): Promise<object> {
    const { backend, space } = this.serving;
    const { leadership, members, appliedIndex, commitIndex, name } = backend.status();
    const { quotaBytes } = backend.metrics();
    const leader = members.find((member) => member.name === leadership.leader)?.id ?? 0;
    const role = members.find((member) => member.name === name)?.role;
    return {
      header: this.serving.header(),
      version: protocolVersion,
      dbSize: space.sizeBytes,
      dbSizeInUse: space.inUseBytes,
      dbSizeQuota: quotaBytes,
      leader,
      raftIndex: commitIndex,
      raftTerm: leadership.term,
      raftAppliedIndex: appliedIndex,
      errors: leader === 0 ? [etcdError('noLeader').message] : [],
      isLearner: role === 'learner' || role === 'observer',
      storageVersion: '3.6.0',
      downgradeInfo: { enabled: false, targetVersion: '' },
    };
  }

  /** Both kinds, of every member. Disarming ends an alarm until its reason shows itself again. */
  async alarm({ action, memberID, alarm }: AlarmRequest): Promise<object> {
    const { backend } = this.serving;
    if (action === 'ACTIVATE')
      throw new EtcdError(status.UNIMPLEMENTED, 'alarms are raised by the store alone');
    const { alarms, members } = backend.status();
    const asked = alarms.filter(
      (raised) =>
        (alarm === 'NONE' || alarmNames[raised.type] === alarm) &&
        (memberID === 0 || raised.memberId === memberID),
    );
    if (action === 'DEACTIVATE') {
      for (const { type, memberId } of asked)
        await backend.disarm(type, members.find(({ id }) => id === memberId)?.name);
    }
    return {
      header: this.serving.header(),
      alarms: asked.map(({ type, memberId }) => ({ memberID: memberId, alarm: alarmNames[type] })),
    };
  }

  async hash(): Promise<Headed & { hash: number }> {
    return { header: this.serving.header(), hash: this.serving.space.hash() };
  }

  async hashKv(request: { readonly revision: number }): Promise<object> {
    const { space } = this.serving;
    const revision = request.revision > 0 ? clamp(request.revision) : space.revision;
    return {
      header: this.serving.header(),
      hash: space.hash(revision),
      compact_revision: space.compactRevision,
      hash_revision: revision,
    };
  }

  /** Memory is given back as history is compacted: there is no file with holes to shrink. */
  async defragment(): Promise<Headed> {
    return { header: this.serving.header() };
  }

  /** From any member, not only the one that leads. */
  async moveLeader({ targetID }: { readonly targetID: number }): Promise<Headed> {
    const { backend } = this.serving;
    const { members } = backend.status();
    const target = members.find(({ id }) => id === targetID);
    if (target === undefined || target.role === 'learner' || target.role === 'observer')
      throw etcdError('badLeaderTransferee');
    await backend.transferLeadership(target.name);
    return { header: this.serving.header() };
  }
}
