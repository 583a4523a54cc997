import type { Lease } from '#libs/mvcc';

/** A lease that has run out, and the renewal count that it had: the revocation names it, so that a keep-alive in between wins. */
export interface DueLease {
  readonly lease: number;
  readonly ifRenewal: number;
}

/**
 * Counts the seconds of leases on the leader. Poll it with the store's leases; it never reports one too early, and late
 * by at most the interval between two polls.
 */
export class LeaseExpiry {
  private deadlines = new Map<number, { readonly renewals: number; readonly dueMs: number }>();

  /** A new leader cannot know how much time was left: every lease begins anew, as in etcd. */
  restart(): void {
    this.deadlines.clear();
  }

  /** `nowMs` is of a clock that only goes forward. A lease stays due until it is gone or renewed. */
  poll(leases: readonly Lease[], nowMs: number): readonly DueLease[] {
    const next: typeof this.deadlines = new Map();
    const due: DueLease[] = [];
    for (const { id, renewals, ttlSeconds } of leases) {
      const known = this.deadlines.get(id);
      if (known === undefined || known.renewals !== renewals) {
        next.set(id, { renewals, dueMs: nowMs + ttlSeconds * 1000 });
        continue;
      }
      next.set(id, known);
      if (nowMs >= known.dueMs) due.push({ lease: id, ifRenewal: renewals });
    }
    this.deadlines = next;
    return due;
  }
}
