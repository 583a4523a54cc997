import { KeySpace } from './key-space.js';
import { Leases } from './leases.js';
import { refuse } from './txn.js';
import type { Outcome } from './txn.js';
import { asRevision } from './types.js';
import type { Command, StoreEvent } from './types.js';

/** Keys with revisions of their own and the leases that they live by; nothing of one space is seen in another. */
export interface Space {
  readonly keys: KeySpace;
  readonly leases: Leases;
}

export function createSpace(): Space {
  return { keys: new KeySpace(), leases: new Leases() };
}

const none: readonly never[] = [];
const done: Outcome = { succeeded: true, results: none, events: none };

/** What both spaces know beside transactions: compaction and leases. */
export type SpaceCommand = Extract<
  Command,
  { type: 'compact' | 'leaseGrant' | 'leaseRevoke' | 'leaseRenew' }
>;

export function applySpaceCommand(command: SpaceCommand, space: Space): Outcome {
  const { keys, leases } = space;
  switch (command.type) {
    case 'compact':
      if (command.revision > keys.revision) return refuse('futureRevision');
      if (command.revision <= keys.compactedRevision) return refuse('compacted');
      keys.compact(command.revision);
      return done;
    case 'leaseGrant':
      if (leases.has(command.lease)) return refuse('leaseExists');
      leases.grant(command.lease, command.ttlSeconds);
      return done;
    case 'leaseRenew':
      if (!leases.has(command.lease)) return refuse('leaseNotFound');
      leases.renew(command.lease);
      return done;
    case 'leaseRevoke':
      return revoke(command.lease, command.ifRenewal, space);
  }
}

/** The keys go with their lease, all at one revision. */
function revoke(id: number, ifRenewal: number | undefined, { keys, leases }: Space): Outcome {
  const lease = leases.get(id);
  if (lease === undefined) return refuse('leaseNotFound');
  if (ifRenewal !== undefined && ifRenewal !== lease.renewals) return refuse('leaseRenewed');
  const revision = asRevision(keys.revision + 1);
  const events: StoreEvent[] = [];
  for (const key of leases.revoke(id)) {
    const event = keys.delete(revision, key);
    if (event !== undefined) events.push(event);
  }
  if (events.length > 0) keys.revision = revision;
  return { succeeded: true, results: none, events };
}
