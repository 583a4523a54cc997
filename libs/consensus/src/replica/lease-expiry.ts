import type { Lease } from '#libs/mvcc';

interface Tracked {
  readonly renewals: number;
  readonly deadline: number;
}

/** Revocations under way at most: a leader that finds a million expired leases does not flood the log. */
const maxRevocations = 64;

/**
 * The leader's countdown of leases, by a monotonic clock. The log holds no time: only renewals are counted
 * there, and a revocation names the renewal that it saw, so that a keep-alive on its way wins.
 * A new leader knows no deadlines and gives every lease its full time.
 */
export class LeaseExpiry {
  readonly #tracked = new Map<number, Tracked>();
  readonly #revoking = new Set<number>();

  /** Forgets all deadlines: at each change of leadership. */
  reset(): void {
    this.#tracked.clear();
    this.#revoking.clear();
  }

  /** Notes grants and renewals without ending anything: what a replica that does not lead can know. `nowMs` is monotonic. */
  observe(leases: readonly Lease[], nowMs: number): void {
    const alive = new Set<number>();
    for (const { id, renewals, ttlSeconds } of leases) {
      alive.add(id);
      if (this.#tracked.get(id)?.renewals !== renewals)
        this.#tracked.set(id, { renewals, deadline: nowMs + ttlSeconds * 1000 });
    }
    for (const id of this.#tracked.keys()) if (!alive.has(id)) this.#tracked.delete(id);
  }

  /** How long a lease has left as seen here; all of its time when its last renewal has not been looked at yet. */
  remainingMs({ id, renewals, ttlSeconds }: Lease, nowMs: number): number {
    const known = this.#tracked.get(id);
    return known?.renewals === renewals ? Math.max(0, known.deadline - nowMs) : ttlSeconds * 1000;
  }

  /** Observes, then calls `revoke` for each lease whose time is over. */
  check(
    leases: readonly Lease[],
    nowMs: number,
    revoke: (lease: number, ifRenewal: number) => Promise<void>,
  ): void {
    this.observe(leases, nowMs);
    for (const { id, renewals } of leases) {
      const due = nowMs >= this.#tracked.get(id)!.deadline;
      if (!due || this.#revoking.has(id) || this.#revoking.size >= maxRevocations) continue;
      this.#revoking.add(id);
      const done = (): void => void this.#revoking.delete(id);
      revoke(id, renewals).then(done, done);
    }
  }
}
