import type { Alarm, AlarmType } from './alarms.js';
import type { EtcdTxn, EtcdTxnResult } from './etcd/types.js';
import type { EtcdView } from './etcd/view.js';
import type { HashCheckState } from './hash-check.js';

/** A revision of the whole store: 1 is the empty store, each committed write transaction adds one. */
export type Revision = number & { readonly __brand: 'Revision' };
export const asRevision = (n: number): Revision => n as Revision;

/**
 * A stored key. Keys are strings ordered by code unit; binary keys of etcd clients are latin1 strings.
 * The record and its bytes are immutable and shared by all readers.
 */
export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** 1 on creation, counts the writes since. */
  readonly version: number;
  /** 0 without a lease. */
  readonly lease: number;
}

/** What a transaction demands of the state before it. All must hold. */
export interface Compare {
  readonly key: string;
  /** `modRevision` 0 means: the key does not exist. */
  readonly target: 'modRevision' | 'createRevision' | 'version' | 'lease' | 'value';
  readonly operator: '=' | '!=' | '<' | '>';
  readonly operand: number | Uint8Array;
}

export type Operation =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: Uint8Array;
      readonly lease?: number;
      /**
       * Byte offset of an 18-byte slot in `value`. Applying writes the decimal revision into it as a
       * JSON string, padded with spaces behind the closing quote, so that the stored bytes carry their
       * own revision and can be sent as they are.
       */
      readonly stampOffset?: number;
    }
  | {
      readonly type: 'delete';
      readonly key: string;
      /** Exclusive end; absent for one key. */ readonly end?: string;
    }
  | { readonly type: 'get'; readonly key: string; readonly end?: string; readonly limit?: number };

export const stampWidthBytes = 18;

/** Identifies a command for exactly-once application: a session is one process's lifetime. */
export interface CommandId {
  readonly session: number;
  readonly sequence: number;
  /** Every sequence below this has been answered: the state machine may forget their results. */
  readonly answeredBelow: number;
}

/**
 * The key spaces of one store. `kubernetes` is the API server's; `etcd` serves etcd's own clients. Each has its keys,
 * revisions, history and leases; log, sessions, snapshot and running hash are one for both.
 */
export type SpaceName = 'kubernetes' | 'etcd';

export type Command =
  | {
      readonly type: 'txn';
      readonly id: CommandId;
      /** Refused with `fenced` unless it equals the term of the entry that carries it. */
      readonly fence?: number;
      readonly compare: readonly Compare[];
      readonly success: readonly Operation[];
      readonly failure: readonly Operation[];
    }
  | {
      readonly type: 'etcdTxn';
      readonly id: CommandId;
      /** In the etcd space. */
      readonly txn: EtcdTxn;
    }
  | {
      readonly type: 'compact';
      readonly id: CommandId;
      /** Absent: `kubernetes`. So below. */
      readonly space?: SpaceName;
      readonly revision: Revision;
    }
  | {
      readonly type: 'leaseGrant';
      readonly id: CommandId;
      readonly space?: SpaceName;
      /** Chosen by the caller; refused when taken. */ readonly lease: number;
      readonly ttlSeconds: number;
    }
  | {
      readonly type: 'leaseRevoke';
      readonly id: CommandId;
      readonly space?: SpaceName;
      readonly lease: number;
      /** Set by the leader's expiry: refused when a keep-alive came in between. */ readonly ifRenewal?: number;
    }
  | {
      readonly type: 'leaseRenew';
      readonly id: CommandId;
      readonly space?: SpaceName;
      readonly lease: number;
    }
  | {
      readonly type: 'alarm';
      readonly id: CommandId;
      readonly action: 'raise' | 'disarm';
      readonly alarm: AlarmType;
      /** 0 disarms that of every member. */
      readonly member: number;
    }
  | {
      /** All replicas note their running hash at this entry; see HashCheck. */
      readonly type: 'hashCheck';
      readonly id: CommandId;
      readonly voters: readonly number[];
    }
  | {
      readonly type: 'hashReport';
      readonly id: CommandId;
      /** Index of the check that it belongs to. */
      readonly check: number;
      readonly member: number;
      readonly hash: number;
    };

export type OperationResult =
  | { readonly type: 'put'; readonly keyValue: KeyValue; readonly previous: KeyValue | undefined }
  | { readonly type: 'delete'; readonly previous: readonly KeyValue[] }
  | { readonly type: 'get'; readonly keyValues: readonly KeyValue[]; readonly count: number };

/** What one command did. `refused` commands changed nothing but are remembered all the same. */
export interface CommandResult {
  /** Of the space that the command is for. */
  readonly revision: Revision;
  readonly succeeded: boolean;
  readonly refused?:
    | 'fenced'
    | 'sessionExpired'
    | 'compacted'
    | 'futureRevision'
    | 'leaseNotFound'
    | 'leaseExists'
    | 'leaseRenewed'
    | 'duplicateKey'
    | 'keyNotFound'
    /** The alarm `noSpace` is raised: nothing may be put and no lease granted. */
    | 'noSpace';
  /** Of an etcdTxn; absent when repeated. */
  readonly etcd?: EtcdTxnResult;
  readonly results: readonly OperationResult[];
  /** True when this id had been applied before: `revision` and `succeeded` are those of the first time, `results` may be empty. */
  readonly repeated: boolean;
}

/** A change, in revision order; events of one revision belong to one transaction. */
export interface StoreEvent {
  readonly type: 'put' | 'delete';
  /** For delete: the key with the deleting revision as modRevision, version 0 and an empty value. */
  readonly keyValue: KeyValue;
  readonly previous: KeyValue | undefined;
}

export interface ApplyResult {
  readonly result: CommandResult;
  readonly events: readonly StoreEvent[];
  /** The space that `events` and the result's revision belong to. */
  readonly space: SpaceName;
}

export interface RangeQuery {
  readonly start: string;
  /** Exclusive; absent reads the one key `start`. `prefixEnd(prefix)` makes one; `unboundedEnd` ("\\0", as in etcd) means no end. */
  readonly end?: string;
  /** 0 or absent: no limit. */
  readonly limit?: number;
  /** Absent: the newest. Throws CompactedError or FutureRevisionError when not retained. */
  readonly revision?: Revision;
  /** Also count what lies beyond the limit. */
  readonly count?: boolean;
}

export interface RangeResult {
  readonly keyValues: readonly KeyValue[];
  readonly more: boolean;
  /** Keys in the whole range; only exact with `count`, else keyValues.length. */
  readonly count: number;
  /** The revision that was read. */
  readonly revision: Revision;
}

export interface Lease {
  readonly id: number;
  readonly ttlSeconds: number;
  /** Counts renewals: the leader's expiry names the one it saw. */
  readonly renewals: number;
  readonly keys: ReadonlySet<string>;
}

/** The replicated state machine. Deterministic to the byte: equal logs give equal stores and hashes. */
export interface Store {
  readonly revision: Revision;
  /** Reads and watches below this are gone; 0 before the first compaction. */
  readonly compactedRevision: Revision;
  readonly appliedIndex: number;
  /** Estimated memory of live keys, retained history and leases, of both spaces: what a quota is held against. */
  readonly sizeBytes: number;
  /** The part of sizeBytes that live keys and leases take: what would be left after compacting and sweeping everything. */
  readonly inUseBytes: number;
  /** Live keys of the Kubernetes space. */
  readonly keyCount: number;
  /** The only way in. `index` must be appliedIndex + 1; `term` and `index` are those of the log entry. Empty bytes are a no-op. Throws DecodeError, with nothing changed, for bytes that are no command. */
  apply(index: number, term: number, bytes: Uint8Array): ApplyResult | undefined;
  get(key: string, revision?: Revision): KeyValue | undefined;
  range(query: RangeQuery): RangeResult;
  /** Events with modRevision ≥ from in [start, end), oldest first. Throws CompactedError when from < compactedRevision. */
  eventsSince(from: Revision, start: string, end?: string): readonly StoreEvent[];
  leases(): readonly Lease[];
  /** The second key space, read as etcd's clients do. */
  readonly etcd: EtcdView;
  /** Running hash of everything applied so far; equal on equal replicas at equal appliedIndex. */
  hash(): number;
  alarms(): readonly Alarm[];
  readonly hashCheck: HashCheckState;
  /**
   * Frees up to `maxEvents` events of each space's compacted history; returns whether some is left. `apply` does this in small
   * steps by itself: call it when idle after a compaction. Changes only sizeBytes, so replicas need not agree on when.
   */
  sweep(maxEvents: number): boolean;
  /** An immutable view to stream a snapshot from while writes go on. Chunks of at most about 1 MiB. */
  snapshot(): Iterable<Uint8Array>;
}
