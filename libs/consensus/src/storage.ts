import { alarmTypes } from '#libs/mvcc';
import type {
  AlarmType,
  Compare,
  KeyValue,
  Operation,
  OperationResult,
  RangeQuery,
  RangeResult,
  Revision,
  StoreEvent,
} from '#libs/mvcc';

export { alarmTypes };
export type {
  AlarmType,
  Compare,
  KeyValue,
  Operation,
  OperationResult,
  RangeQuery,
  RangeResult,
  Revision,
  StoreEvent,
};

/** A compare-and-write request; see mvcc for what each part means. */
export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[];
}

export interface TxnResult {
  readonly succeeded: boolean;
  readonly revision: Revision;
  readonly results: readonly OperationResult[];
}

export interface TxnOptions {
  /** Term under which the caller believes to lead: the write is refused (`Fenced`) when another term rules. */
  readonly fence?: number;
  /** After this the promise rejects with `Timeout`; the write may still take effect. Default 10 000 ms. */
  readonly timeoutMs?: number;
}

/** Stable codes; the API server maps them to metav1.Status. */
export type StorageErrorCode =
  | 'NotLeader'
  | 'NoQuorum'
  | 'Timeout'
  /** What these keys are kept in is out of reach; the cluster's own state is not. */
  | 'Unavailable'
  | 'Fenced'
  | 'QuotaExceeded'
  | 'Overloaded'
  | 'TooLarge'
  | 'Compacted'
  /** The lease named by a put or a keep-alive does not exist (any more). */
  | 'LeaseNotFound'
  /** The request contradicts itself, e.g. one key written twice. */
  | 'BadRequest'
  /** This replica holds something else than the others and does not serve. */
  | 'Corrupt'
  /** Changes of membership that cannot be made, or not now. */
  | 'MemberExists'
  | 'MemberNotFound'
  | 'NotLearner'
  | 'LearnerNotReady'
  | 'QuorumLoss'
  | 'ChangePending'
  | 'Stopped';

export class StorageError extends Error {
  override readonly name = 'StorageError';
  constructor(
    readonly code: StorageErrorCode,
    message: string,
    /** With Compacted: the first revision still available. */
    readonly firstAvailable?: Revision,
  ) {
    super(message);
  }
}

export interface WatchRequest {
  readonly start: string;
  /** Exclusive; absent watches one key. */
  readonly end?: string;
  /** First revision to deliver; absent: what is applied from now on. Throws StorageError Compacted at once. */
  readonly fromRevision?: Revision;
  /**
   * This replica was far behind and took the leader's snapshot, which no longer holds what this watcher had
   * still to see. The watcher is closed: read anew, then watch from there (Kubernetes' 410 Gone).
   */
  readonly onLost?: (error: StorageError) => void;
}

/**
 * Called on the main thread right after a batch of the log was applied, in revision order, with all
 * events of one revision in one call. `revision` is the store's after the batch. Must not block or throw.
 * Also called with no events when the store has advanced past everything delivered (progress).
 */
export type WatchListener = (events: readonly StoreEvent[], revision: Revision) => void;

export interface Watcher {
  close(): void;
}

/** Who leads, as this replica knows it. */
export interface Leadership {
  readonly isLeader: boolean;
  readonly term: number;
  /** Name of the leader, undefined while unknown. */
  readonly leader: string | undefined;
}

export interface MemberStatus {
  readonly id: number;
  readonly name: string;
  readonly role: 'leader' | 'follower' | 'learner' | 'observer';
  readonly peerUrl: string;
  readonly matchIndex: number | undefined;
  readonly active: boolean;
}

/** What stands until it is cleared: every replica tells the same ones. */
export interface AlarmStatus {
  readonly type: AlarmType;
  readonly memberId: number;
  /** Name of the member; empty when it is none any more. */
  readonly member: string;
}

export interface StorageStatus {
  readonly clusterId: string;
  readonly memberId: number;
  readonly name: string;
  readonly leadership: Leadership;
  /** False once the leader has been out of reach for an election timeout. */
  readonly quorum: boolean;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  readonly revision: Revision;
  readonly compactRevision: Revision;
  readonly sizeBytes: number;
  /** At this size the alarm `noSpace` is raised. */
  readonly quotaBytes: number;
  readonly members: readonly MemberStatus[];
  readonly alarms: readonly AlarmStatus[];
}

/** Keys as the API's verbs need them: what a store for some of the resources has to be. */
export interface KeyStorage {
  /** Newest applied revision. */
  readonly revision: Revision;
  readonly compactRevision: Revision;
  get(key: string): KeyValue | undefined;
  /** Throws StorageError Compacted when `revision` is no longer retained. */
  range(query: RangeQuery): RangeResult;
  /** Resolves once this replica has applied the write: a read that follows sees it. */
  txn(request: TxnRequest, options?: TxnOptions): Promise<TxnResult>;
  /** Resolves once the local replica holds everything that was acknowledged anywhere before the call. */
  barrier(timeoutMs?: number): Promise<void>;
  watch(request: WatchRequest, listener: WatchListener): Watcher;
}

/**
 * The one way from the API server to state: synchronous reads of the local replica, writes and read
 * barriers through consensus, watches of what was applied. Implemented by the embedded Raft group and
 * by `createMemoryStorage` (one replica without a log, for tests).
 */
export interface Storage extends KeyStorage {
  /** A lease expires through the log after its seconds without a keep-alive; its keys are deleted with it. */
  grantLease(ttlSeconds: number): Promise<number>;
  renewLease(lease: number): Promise<void>;
  revokeLease(lease: number): Promise<void>;
  readonly leadership: Leadership;
  /** Called now and at each change; returns the unsubscriber. */
  onLeadership(listener: (leadership: Leadership) => void): () => void;
  /** Moves leadership to the named member, or to the most caught-up one. Resolves when it has moved. */
  transferLeadership(to?: string): Promise<void>;
  status(): StorageStatus;
  close(): Promise<void>;
}
