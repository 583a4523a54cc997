import type { ResourceDeclaration } from '#libs/apimachinery';
import type { Storage } from '#libs/consensus';
import type { Clock } from '../clock.js';

/** As Kubernetes: an Event is kept for an hour. */
export const defaultEventTtlSeconds = 3600;
/** Events written within this share one lease, which lives so much longer than each of them must. */
const sharedForMsMax = 60_000;

/** Whether a kind is Events, in either of the groups that serve them. */
export function isEvent({ resource, storageVersion: { group } }: ResourceDeclaration): boolean {
  return resource === 'events' && (group === '' || group === 'events.k8s.io');
}

/** Leases under which Events expire: one a minute, however many Events there are. */
export class EventLeases {
  #lease: Promise<number> | undefined;
  #grantedAtMs = 0;

  constructor(
    readonly storage: Storage,
    readonly clock: Clock,
    readonly ttlSeconds = defaultEventTtlSeconds,
  ) {}

  /** The lease for an object of this kind; undefined for all kinds but Events. */
  of(declaration: ResourceDeclaration): Promise<number> | undefined {
    if (!isEvent(declaration)) return undefined;
    const nowMs = this.clock.nowMs();
    const sharedForMs = Math.min(sharedForMsMax, this.ttlSeconds * 1000);
    if (this.#lease === undefined || nowMs - this.#grantedAtMs >= sharedForMs) {
      this.#grantedAtMs = nowMs;
      const granted = this.storage.grantLease(this.ttlSeconds + sharedForMs / 1000);
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
