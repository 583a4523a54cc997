/**
 * How an operation ended for its client: `ok` was answered; `failed` was refused and is certain to have had no effect;
 * `unknown` ended in an error or not at all, and may have taken effect at any time after it was invoked, or never.
 */
export type Outcome = 'ok' | 'failed' | 'unknown';

interface Base {
  readonly client: string;
  readonly key: string;
  /** Any one monotonic clock, in milliseconds; equal times count as concurrent. */
  readonly invokedAt: number;
  /** Undefined while nothing came back. */
  readonly returnedAt: number | undefined;
  readonly outcome: Outcome;
}

/** A blind write. Values that are unique among a key's writes make a check both stricter and faster. */
export interface Put extends Base {
  readonly kind: 'put';
  readonly value: string;
  /** `revision`: the one that the write made, where the client was told. */
  readonly result?: { readonly revision?: number };
}

/** A linearizable read. */
export interface Get extends Base {
  readonly kind: 'get';
  readonly result?: {
    /** Undefined: there is no such key. */
    readonly value: string | undefined;
    /** The revision of the key's last write. */
    readonly revision?: number;
    /** The revision of the whole store when it was read. */
    readonly storeRevision?: number;
  };
}

export interface Delete extends Base {
  readonly kind: 'delete';
  readonly result?: { readonly existed: boolean; readonly revision?: number };
}

/** Writes only if the key's last write made `expectedRevision`; 0 demands that there is no such key. */
export interface CompareAndPut extends Base {
  readonly kind: 'compareAndPut';
  readonly expectedRevision: number;
  readonly value: string;
  /** `applied: false` is an answer (outcome `ok`): the comparison did not hold. */
  readonly result?: { readonly applied: boolean; readonly revision?: number };
}

/** One entry of a client history: what was asked, what came back, and when. */
export type Operation = Put | Get | Delete | CompareAndPut;

/** The revision that an answered write made; undefined where it wrote nothing or the client was not told. */
export function writtenRevision(operation: Operation): number | undefined {
  return operation.kind === 'get' ? undefined : operation.result?.revision;
}

/** The value that the operation stores if it takes effect; undefined for reads and deletions. */
export function writtenValue(operation: Operation): string | undefined {
  return operation.kind === 'put' || operation.kind === 'compareAndPut' ? operation.value : undefined;
}
