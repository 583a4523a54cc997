import type {
  EtcdCompare,
  EtcdOperation,
  EtcdOperationResult,
  EtcdRange,
  EtcdRangeResult,
  EtcdTxn,
  EtcdTxnResult,
  Revision,
} from '#libs/mvcc';
import type { WatchListener, WatchRequest, Watcher } from './storage.js';

export { onlyReads as onlyReadsEtcd } from '#libs/mvcc';
export type {
  EtcdCompare,
  EtcdOperation,
  EtcdOperationResult,
  EtcdRange,
  EtcdRangeResult,
  EtcdTxn,
  EtcdTxnResult,
};

/** What the state machine refused, with nothing changed. */
export type EtcdRefusalCode =
  'compacted' | 'futureRevision' | 'leaseNotFound' | 'leaseExists' | 'duplicateKey' | 'keyNotFound';

export class EtcdRefusal extends Error {
  override readonly name = 'EtcdRefusal';
  constructor(readonly code: EtcdRefusalCode) {
    super(`the request was refused: ${code}`);
  }
}

export interface EtcdLease {
  readonly id: number;
  readonly ttlSeconds: number;
  /** By this replica's clock since it saw the last renewal; the leader's decides. Never below 0. */
  readonly remainingMs: number;
  readonly keys: ReadonlySet<string>;
}

/**
 * The second key space of a replica, for etcd's own clients: keys of its own in the same log. Nothing of the API server's
 * space can be reached through it. Keys are latin1 strings of their bytes; values are kept and given out as they are.
 *
 * Reads are of this replica's memory; behind `barrier` they are linearizable. Writes resolve once they are durable on a
 * majority and applied here. What the state machine refuses is an EtcdRefusal, what the cluster cannot do a StorageError
 * (Timeout, NoQuorum, Overloaded, TooLarge, QuotaExceeded, Stopped).
 */
export interface EtcdSpace {
  readonly revision: Revision;
  readonly compactRevision: Revision;
  /** Live keys. */
  readonly keyCount: number;
  /** Memory of live keys and history, of this space; `inUseBytes` of live keys alone. */
  readonly sizeBytes: number;
  readonly inUseBytes: number;
  /** Throws EtcdRefusal compacted or futureRevision. */
  range(request: EtcdRange): EtcdRangeResult;
  /** A transaction that only reads (`onlyReadsEtcd`). Throws as `range`. */
  read(txn: EtcdTxn): EtcdTxnResult;
  txn(txn: EtcdTxn): Promise<EtcdTxnResult>;
  /** Reads and watches below `revision` are gone from now on. */
  compact(revision: number): Promise<void>;
  /** Resolves once this replica holds everything that was acknowledged anywhere before the call. */
  barrier(): Promise<void>;
  /** Resolves to the lease's id: the given one, or one that is chosen. */
  grantLease(ttlSeconds: number, lease?: number): Promise<number>;
  /** Resolves to its seconds, which begin anew. */
  renewLease(lease: number): Promise<number>;
  revokeLease(lease: number): Promise<void>;
  lease(id: number): EtcdLease | undefined;
  leases(): readonly number[];
  /** As Storage.watch. */
  watch(request: WatchRequest, listener: WatchListener): Watcher;
  /** Over all keys at a revision; equal on replicas that hold the same. Throws as `range`. */
  hash(revision?: number): number;
  /** This space alone, in the product's own format; an immutable view. */
  snapshot(): Iterable<Uint8Array>;
}
