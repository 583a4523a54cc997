import type { Store } from '#libs/mvcc';
import type { Leadership } from '../storage.js';
import type { WatchHub } from '../watch-hub.js';
import type { ReplicaEtcdSpace } from './etcd-space.js';
import type { LeaderChores } from './leader-chores.js';
import type { Safeguards } from './safeguards.js';

/** How often a replica keeps house. */
export const housekeepingMs = 500;
/** Compacted history freed a turn: a millisecond's work at most. */
const sweptEventsPerTurn = 1_000;

export interface HousekeepingParts {
  readonly hub: WatchHub;
  readonly etcdSpace: ReplicaEtcdSpace;
  readonly safeguards: Safeguards;
  readonly chores: LeaderChores;
  readonly transferTo: (member: number) => void;
}

/** Progress for watchers, what keeps this replica from harm, and a leader's chores. */
export function keepHouse(parts: HousekeepingParts, store: Store, leadership: Leadership, now: number): void {
  const { hub, etcdSpace, safeguards, chores } = parts;
  hub.progress();
  store.sweep(sweptEventsPerTurn);
  const { isLeader, term } = leadership;
  const leadsInTerm = isLeader ? term : undefined;
  etcdSpace.keepHouse(leadsInTerm);
  safeguards.keepHouse(leadsInTerm);
  if (!isLeader) return;
  // Whoever does not serve cannot run the controllers either. Nobody may be able to: then it is asked again.
  const successor = safeguards.successor();
  if (successor !== undefined) parts.transferTo(successor);
  chores.run(store, term, now);
}
