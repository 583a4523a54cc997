import { asRevision } from '#libs/mvcc';
import type { Store } from '#libs/mvcc';
import { LeaseExpiry } from './lease-expiry.js';
import type { Propose } from './proposals.js';
import { Retention } from './retention.js';

export interface LeaderChoresOptions {
  readonly retentionMs: number;
  readonly retentionRevisions: number;
  readonly propose: Propose;
}

const timeoutMs = 10_000;

/** What only the leader does for all, by commands that die with its term: it ends leases, and lets old history go. */
export class LeaderChores {
  readonly #options: LeaderChoresOptions;
  readonly #leases = new LeaseExpiry();
  readonly #retention: Retention;
  #compacting = false;

  constructor(options: LeaderChoresOptions) {
    this.#options = options;
    this.#retention = new Retention(options.retentionMs, options.retentionRevisions);
  }

  /** Another leads, or nobody: a new leader gives everything its full time. */
  reset(): void {
    this.#leases.reset();
    this.#retention.reset();
  }

  /** To be called now and then while this replica leads in `term`; `nowMs` is monotonic. */
  run(store: Store, term: number, nowMs: number): void {
    const { propose } = this.#options;
    const inTerm = { timeoutMs, onlyInTerm: term };
    this.#leases.check(store.leases(), nowMs, async (lease, ifRenewal) => {
      await propose({ type: 'leaseRevoke', lease, ifRenewal }, inTerm);
    });
    const revision = this.#retention.check(store.revision, store.compactedRevision, nowMs);
    if (revision === undefined || this.#compacting) return;
    this.#compacting = true;
    const done = (): void => void (this.#compacting = false);
    // One that fails (leadership lost) is the next leader's business.
    propose({ type: 'compact', revision: asRevision(revision) }, inTerm).then(done, done);
  }
}
