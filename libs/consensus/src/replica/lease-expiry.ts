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

  /** Calls `revoke` for each lease whose time is over. `nowMs` is monotonic. */
  check(
    leases: readonly Lease[],
    nowMs: number,
    revoke: (lease: number, ifRenewal: number) => Promise<void>,
  ): void {
    const alive = new Set<number>();
    for (const { id, renewals, ttlSeconds } of leases) {
      alive.add(id);
      const known = this.#tracked.get(id);
      if (known === undefined || known.renewals !== renewals) {
        this.#tracked.set(id, { renewals, deadline: nowMs + ttlSeconds * 1000 });
        continue;
      }
      if (nowMs < known.deadline || this.#revoking.has(id) || this.#revoking.size >= maxRevocations) continue;
      this.#revoking.add(id);
      const done = (): void => void this.#revoking.delete(id);
      revoke(id, renewals).then(done, done);
    }
    for (const id of this.#tracked.keys()) if (!alive.has(id)) this.#tracked.delete(id);
  }
}
