import type { ResourceDeclaration } from '#libs/apimachinery';
import type { Storage } from '#libs/consensus';
import type { Clock } from '../clock.js';

/** As Kubernetes: an Event is kept for an hour. */
const eventTtlSeconds = 3600;
/** Events written within this share one lease, which lives so much longer than each of them must. */
const sharedForMs = 60_000;

/** Leases under which Events expire: one a minute, however many Events there are. */
export class EventLeases {
  #lease: Promise<number> | undefined;
  #grantedAtMs = 0;

  constructor(
    readonly storage: Storage,
    readonly clock: Clock,
  ) {}

  /** The lease for an object of this kind; undefined for all kinds but Events. */
  of(declaration: ResourceDeclaration): Promise<number> | undefined {
    if (declaration.resource !== 'events') return undefined;
    const { group } = declaration.storageVersion;
    if (group !== '' && group !== 'events.k8s.io') return undefined;
    const nowMs = this.clock.nowMs();
    if (this.#lease === undefined || nowMs - this.#grantedAtMs >= sharedForMs) {
      this.#grantedAtMs = nowMs;
      const granted = this.storage.grantLease(eventTtlSeconds + sharedForMs / 1000);
      this.#lease = granted;
      // A lease that could not be had must not stand in the way of the next attempt.
      granted.catch(() => this.forget(granted));
    }
    return this.#lease;
  }

  /** The lease has turned out to be gone. */
  forget(lease: Promise<number> | undefined): void {
    if (this.#lease === lease) this.#lease = undefined;
  }
}
