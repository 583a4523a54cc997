import type { KeyValue, Revision } from '../types.js';

// The vocabulary of the second key space: etcd v3's own, so that its service need not translate meaning, only form.
// A key is the latin1 string of its bytes, which orders as the bytes do.

/** One key, or [key, end); `unboundedEnd` has no upper bound, an end that is not above `key` holds nothing. */
export interface KeyInterval {
  readonly key: string;
  readonly end?: string;
}

/** Holds when every key of the interval does; an interval without keys is judged as one key that does not exist. */
export interface EtcdCompare extends KeyInterval {
  readonly target: 'version' | 'createRevision' | 'modRevision' | 'value' | 'lease';
  readonly operator: '=' | '>' | '<' | '!=';
  readonly operand: number | Uint8Array;
}

export type SortTarget = 'key' | 'version' | 'createRevision' | 'modRevision' | 'value';

export interface EtcdRange extends KeyInterval {
  readonly type: 'range';
  /** 0 or absent: no limit. */
  readonly limit?: number;
  /** 0 or absent: the newest; within a transaction, with what it has written so far. */
  readonly revision?: number;
  readonly sort?: { readonly target: SortTarget; readonly descending: boolean };
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  /** Inclusive bounds; absent: none. They hide keys, `count` counts them all the same. */
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export interface EtcdPut {
  readonly type: 'put';
  readonly key: string;
  readonly value: Uint8Array;
  /** 0 or absent: none. */
  readonly lease?: number;
  readonly previous?: boolean;
  /** Keeps the value, or the lease, that the key has: refused (`keyNotFound`) when it does not exist. */
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}

export interface EtcdDeleteRange extends KeyInterval {
  readonly type: 'deleteRange';
  readonly previous?: boolean;
}

/** Every compare, nested ones included, is judged by the state before the transaction. */
export interface EtcdTxn {
  readonly type: 'txn';
  readonly compare: readonly EtcdCompare[];
  readonly success: readonly EtcdOperation[];
  readonly failure: readonly EtcdOperation[];
}

export type EtcdOperation = EtcdRange | EtcdPut | EtcdDeleteRange | EtcdTxn;

export interface EtcdRangeResult {
  readonly type: 'range';
  readonly keyValues: readonly KeyValue[];
  readonly more: boolean;
  /** Keys in the whole interval at the revision that was read. */
  readonly count: number;
  /** Of the key space when it was read, also where an older revision was asked for. */
  readonly revision: Revision;
}

export interface EtcdTxnResult {
  readonly type: 'txn';
  readonly succeeded: boolean;
  readonly results: readonly EtcdOperationResult[];
  readonly revision: Revision;
}

export type EtcdOperationResult =
  | EtcdRangeResult
  | EtcdTxnResult
  | { readonly type: 'put'; readonly previous: KeyValue | undefined; readonly revision: Revision }
  | {
      readonly type: 'deleteRange';
      readonly deleted: number;
      /** Empty unless asked for. */
      readonly previous: readonly KeyValue[];
      readonly revision: Revision;
    };
