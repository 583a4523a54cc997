import type { FaultNote } from '../../../protocol.js';
import type { Loss, Reign } from './chronicle.js';

/** One write of the tour's writer that was acknowledged. */
export interface Acknowledged {
  readonly number: number;
  readonly sentAt: number;
  readonly at: number;
  readonly servedBy: string;
}

/** What is known of a killed leader and of what followed; filled in as it is learnt. Milliseconds, since the kill where not else said. */
export interface Failover {
  readonly victim: string;
  readonly killedAt: number;
  /** A follower lost sight of its leader. */
  readonly noticedMs?: number;
  readonly elected?: { readonly ms: number; readonly leader: string; readonly term: number };
  /** The longest time between two acknowledgements around the kill, and the end of it. */
  readonly writer?: { readonly gapMs: number; readonly firstAckMs: number; readonly servedBy: string };
  readonly restartedMs?: number;
}

export interface Evidence {
  readonly kill: FaultNote;
  readonly reigns: readonly Reign[];
  readonly losses: readonly Loss[];
  readonly faults: readonly FaultNote[];
  readonly acknowledged: readonly Acknowledged[];
}

/** Reads a failover out of what members, supervisor and writer noted. All clocks are those of one machine. */
export function failoverOf({ kill, reigns, losses, faults, acknowledged }: Evidence): Failover {
  const { at: killedAt, master: victim = '' } = kill;
  const since = (at: number): number => Math.max(0, at - killedAt);
  const loss = losses.find(({ at }) => at >= killedAt);
  const reign = reigns.find(({ at }) => at >= killedAt);
  const restart = faults.find(
    ({ at, what, master }) => what === 'started' && master === victim && at > killedAt,
  );
  const writer = longestGap(acknowledged, killedAt);
  return {
    victim,
    killedAt,
    ...(loss === undefined ? {} : { noticedMs: since(loss.at) }),
    ...(reign === undefined
      ? {}
      : { elected: { ms: since(reign.at), leader: reign.leader, term: reign.term } }),
    ...(writer === undefined ? {} : { writer }),
    ...(restart === undefined ? {} : { restartedMs: since(restart.at) }),
  };
}

/** Acknowledgements after this long belong to something else. */
const aroundMs = 15_000;

function longestGap(acknowledged: readonly Acknowledged[], killedAt: number): Failover['writer'] {
  let longest: Failover['writer'];
  for (const [i, { at, servedBy }] of acknowledged.entries()) {
    const before = acknowledged[i - 1];
    if (before === undefined || at < killedAt || at > killedAt + aroundMs) continue;
    const gap = at - before.at;
    if (longest === undefined || gap > longest.gapMs)
      longest = { gapMs: gap, firstAckMs: at - killedAt, servedBy };
  }
  return longest;
}

/**
 * Acknowledged writes that the store no longer holds, by one last write: it answers what the key held before, and that
 * must be the last number acknowledged, or a later one that took effect without an answer.
 */
export function lostWrites(acknowledged: readonly Acknowledged[], held: number | undefined): number {
  return acknowledged.filter(({ number }) => number > (held ?? -1)).length;
}
