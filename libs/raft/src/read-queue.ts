import type { MemberId, ReadState } from './types.js';

/** A heartbeat round by which a leader proves that it still leads; it serves all reads gathered before it. */
export interface ReadRound {
  /** Goes with the heartbeats and comes back with their responses. */
  readonly id: number;
  /** The commit index when the round began: what its reads must see. */
  readonly index: number;
  readonly acknowledgedBy: Set<MemberId>;
  readonly local: readonly number[];
  /** Followers whose forwarded reads take part, with the context that each gave. */
  readonly remote: ReadonlyMap<MemberId, number>;
}

/** Reads that a follower has passed to its leader under one id of its own. */
export interface ForwardedReads {
  readonly id: number;
  readonly contexts: readonly number[];
  ageTicks: number;
}

/**
 * Reads on their way to a read point. Every wait is shared: what arrives while a round (on a leader)
 * or a forwarded request (on a follower) is in flight goes with the next one, together.
 */
export class ReadQueue {
  /** Contexts of this server's host that take part in nothing yet. */
  waiting: number[] = [];
  /** Forwarded requests that wait for a round; one a follower, since a newer one replaces what it gave up. */
  remote = new Map<MemberId, number>();
  round: ReadRound | undefined;
  forwarded: ForwardedReads | undefined;
  states: ReadState[] = [];
  dropped: number[] = [];

  /** `firstId`: where ids begin. They only grow, and a restarted server should begin elsewhere. */
  constructor(private nextId: number) {}

  /** Never returns the same id twice, so that no late answer can be taken for that of another request. */
  takeId(): number {
    this.nextId += 1;
    return this.nextId;
  }

  takeWaiting(): number[] {
    const waiting = this.waiting;
    this.waiting = [];
    return waiting;
  }

  takeRemote(): Map<MemberId, number> {
    const remote = this.remote;
    this.remote = new Map();
    return remote;
  }

  get count(): number {
    return this.waiting.length + (this.round?.local.length ?? 0) + (this.forwarded?.contexts.length ?? 0);
  }
}
