import { CompactedError } from '#libs/mvcc';
import type { Store } from '#libs/mvcc';
import { StorageError } from '../storage.js';
import type { RangeQuery, RangeResult, TxnOptions, TxnRequest, TxnResult } from '../storage.js';
import type { Propose, Unidentified } from './proposals.js';
import { throwIfRefused } from './refusal.js';

const defaultTimeoutMs = 10_000;

/** Whether a transaction makes the store larger, as far as can be told before it is applied. */
export function mayPut({ success, failure = [] }: TxnRequest): boolean {
  return [...success, ...failure].some(({ type }) => type === 'put');
}

/** Rejects with StorageError. */
export async function proposeTxn(
  propose: Propose,
  { compare, success, failure = [] }: TxnRequest,
  { fence, timeoutMs = defaultTimeoutMs }: TxnOptions,
): Promise<TxnResult> {
  const fenced = fence === undefined ? {} : { fence };
  const command: Unidentified = { type: 'txn', compare, success, failure, ...fenced };
  const result = await propose(command, {
    timeoutMs,
    ...(fence === undefined ? {} : { onlyInTerm: fence }),
  });
  throwIfRefused(result);
  return { succeeded: result.succeeded, revision: result.revision, results: result.results };
}

/** Throws StorageError Compacted. */
export function rangeOf(store: Store, query: RangeQuery): RangeResult {
  try {
    return store.range(query);
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    throw new StorageError('Compacted', error.message, error.firstAvailable);
  }
}
