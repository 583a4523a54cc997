import { CompactedError, FutureRevisionError, asRevision, etcdTxnPuts } from '#libs/mvcc';
import type { CommandResult, EtcdTxn, EtcdView, Store, StoreEvent } from '#libs/mvcc';
import type { Environment } from '../environment/environment.js';
import { EtcdRefusal } from '../etcd-space.js';
import type { EtcdLease, EtcdRange, EtcdRangeResult, EtcdSpace, EtcdTxnResult } from '../etcd-space.js';
import { StorageError } from '../storage.js';
import type { Revision, WatchListener, WatchRequest, Watcher } from '../storage.js';
import { WatchHub } from '../watch-hub.js';
import { LeaseExpiry } from './lease-expiry.js';
import type { Propose, Unidentified } from './proposals.js';
import { throwIfRefused } from './refusal.js';

const defaultTimeoutMs = 10_000;

export interface EtcdSpaceParts {
  readonly store: Store;
  readonly propose: Propose;
  readonly barrier: () => Promise<void>;
  /** Throws StorageError Corrupt when this replica must not answer. */
  readonly checkServing: () => void;
  /** Throws StorageError QuotaExceeded when nothing more may be put. */
  readonly checkQuota: () => void;
  readonly onListenerError: (error: unknown) => void;
  readonly environment: Pick<Environment, 'clock' | 'random'>;
}

/** The etcd key space of a replica: its store's view, its own watchers and its own countdown of leases. */
export class ReplicaEtcdSpace implements EtcdSpace {
  readonly #parts: EtcdSpaceParts;
  readonly #hub: WatchHub;
  readonly #expiry = new LeaseExpiry();
  #view: EtcdView;

  constructor(parts: EtcdSpaceParts) {
    this.#parts = parts;
    this.#view = parts.store.etcd;
    this.#hub = new WatchHub(this.#view, { onListenerError: parts.onListenerError });
  }

  /** A batch of the log was applied; its events in this space, in revision order. */
  deliver(events: readonly StoreEvent[]): void {
    if (events.length > 0) this.#hub.deliver(events, this.#view.revision);
  }

  /** A snapshot took the place of the store. */
  replaceStore(store: Store): void {
    this.#view = store.etcd;
    this.#hub.replaceStore(this.#view);
  }

  /** This replica does not serve any more. */
  lose(error: StorageError): void {
    this.#hub.loseAll(error);
  }

  /** Deadlines are forgotten: a new leader gives every lease its full time. */
  leadershipChanged(): void {
    this.#expiry.reset();
  }

  /** Watchers' progress, and the end of leases by the leader; `leadsInTerm` is absent on others. */
  keepHouse(leadsInTerm: number | undefined): void {
    this.#hub.progress();
    const { propose, environment } = this.#parts;
    const now = environment.clock.now();
    const leases = this.#view.leases();
    if (leadsInTerm === undefined) return this.#expiry.observe(leases, now);
    const inTerm = { timeoutMs: defaultTimeoutMs, onlyInTerm: leadsInTerm };
    this.#expiry.check(leases, now, async (lease, ifRenewal) => {
      await propose({ type: 'leaseRevoke', space: 'etcd', lease, ifRenewal }, inTerm);
    });
  }

  closeAll(): void {
    this.#hub.closeAll();
  }

  get revision(): Revision {
    return this.#view.revision;
  }

  get compactRevision(): Revision {
    return this.#view.compactedRevision;
  }

  get keyCount(): number {
    return this.#view.keyCount;
  }

  get sizeBytes(): number {
    return this.#view.sizeBytes;
  }

  get inUseBytes(): number {
    return this.#view.inUseBytes;
  }

  range(request: EtcdRange): EtcdRangeResult {
    this.#parts.checkServing();
    return refusing(() => this.#view.range(request));
  }

  read(txn: EtcdTxn): EtcdTxnResult {
    this.#parts.checkServing();
    return refusing(() => this.#view.read(txn));
  }

  async txn(txn: EtcdTxn): Promise<EtcdTxnResult> {
    if (etcdTxnPuts(txn)) this.#parts.checkQuota();
    const { etcd } = await this.#run({ type: 'etcdTxn', txn });
    if (etcd !== undefined) return etcd;
    throw new StorageError('Timeout', 'the write took effect, but what it answered is not known any more');
  }

  async compact(revision: number): Promise<void> {
    await this.#run({ type: 'compact', space: 'etcd', revision: asRevision(revision) });
  }

  barrier(): Promise<void> {
    return this.#parts.barrier();
  }

  async grantLease(ttlSeconds: number, lease?: number): Promise<number> {
    for (;;) {
      const id = lease ?? this.#parts.environment.random.randomInt(1, 2 ** 48 - 1);
      try {
        await this.#run({ type: 'leaseGrant', space: 'etcd', lease: id, ttlSeconds });
        return id;
      } catch (error) {
        const taken = error instanceof EtcdRefusal && error.code === 'leaseExists';
        if (!taken || lease !== undefined) throw error;
      }
    }
  }

  async renewLease(lease: number): Promise<number> {
    // Not worth an entry of the log: the answer is known.
    if (this.#view.lease(lease) === undefined) await this.barrier();
    if (this.#view.lease(lease) === undefined) throw new EtcdRefusal('leaseNotFound');
    await this.#run({ type: 'leaseRenew', space: 'etcd', lease });
    return this.#view.lease(lease)?.ttlSeconds ?? 0;
  }

  async revokeLease(lease: number): Promise<void> {
    await this.#run({ type: 'leaseRevoke', space: 'etcd', lease });
  }

  lease(id: number): EtcdLease | undefined {
    const lease = this.#view.lease(id);
    if (lease === undefined) return undefined;
    const { ttlSeconds, keys } = lease;
    return {
      id,
      ttlSeconds,
      keys,
      remainingMs: this.#expiry.remainingMs(lease, this.#parts.environment.clock.now()),
    };
  }

  leases(): readonly number[] {
    return this.#view.leases().map(({ id }) => id);
  }

  watch(request: WatchRequest, listener: WatchListener): Watcher {
    this.#parts.checkServing();
    return this.#hub.watch(request, listener);
  }

  hash(revision?: number): number {
    return refusing(() => this.#view.hash(revision));
  }

  snapshot(): Iterable<Uint8Array> {
    return this.#view.snapshot();
  }

  async #run(command: Unidentified): Promise<CommandResult> {
    this.#parts.checkServing();
    const result = await this.#parts.propose(command, { timeoutMs: defaultTimeoutMs });
    switch (result.refused) {
      case undefined:
        return result;
      case 'compacted':
      case 'futureRevision':
      case 'leaseNotFound':
      case 'leaseExists':
      case 'duplicateKey':
      case 'keyNotFound':
        throw new EtcdRefusal(result.refused);
      default:
        throwIfRefused(result);
        return result;
    }
  }
}

function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CompactedError) throw new EtcdRefusal('compacted');
    if (error instanceof FutureRevisionError) throw new EtcdRefusal('futureRevision');
    throw error;
  }
}
