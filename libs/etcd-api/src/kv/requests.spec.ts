import { describe, expect, it } from 'vitest';
import type { PutRequest, RangeRequest, TxnRequest } from '../messages.js';
import { intervalOf, isSerializable, putOf, rangeOf, txnOf } from './requests.js';

const none = Buffer.alloc(0);
const range = (more: Partial<RangeRequest> = {}): RangeRequest => ({
  key: Buffer.from('a'),
  range_end: none,
  limit: 0,
  revision: 0,
  sort_order: 'NONE',
  sort_target: 'KEY',
  serializable: false,
  keys_only: false,
  count_only: false,
  min_mod_revision: 0,
  max_mod_revision: 0,
  min_create_revision: 0,
  max_create_revision: 0,
  ...more,
});
const put = (more: Partial<PutRequest> = {}): PutRequest => ({
  key: Buffer.from('a'),
  value: none,
  lease: 0,
  prev_kv: false,
  ignore_value: false,
  ignore_lease: false,
  ...more,
});
const txn = (success: TxnRequest['success']): TxnRequest => ({ compare: [], success, failure: [] });

describe('requests', () => {
  it('take keys as bytes, in their order', () => {
    expect(intervalOf(Buffer.from([0xff, 0]), Buffer.from([0]))).toEqual({ key: '\u00ff\0', end: '\0' });
    expect(intervalOf(Buffer.from('ä'), none)).toEqual({ key: '\u00c3\u00a4' });
  });

  it('sort where they ask for it, keys by themselves', () => {
    expect(rangeOf(range({ sort_order: 'ASCEND' })).sort).toBeUndefined();
    expect(rangeOf(range({ sort_order: 'DESCEND' })).sort).toEqual({ target: 'key', descending: true });
    expect(rangeOf(range({ sort_target: 'MOD' })).sort).toEqual({ target: 'modRevision', descending: false });
    expect(() => rangeOf(range({ sort_order: '7' }))).toThrow('etcdserver: invalid sort option');
  });

  it('are refused with the texts that clients match on', () => {
    expect(() => rangeOf(range({ key: none }))).toThrow('etcdserver: key is not provided');
    expect(() => putOf(put({ key: none }))).toThrow('etcdserver: key is not provided');
    expect(() => putOf(put({ ignore_value: true, value: Buffer.from('x') }))).toThrow(
      'etcdserver: value is provided',
    );
    expect(() => putOf(put({ ignore_lease: true, lease: 1 }))).toThrow('etcdserver: lease is provided');
    const one = { request: 'request_put', request_put: put() } as const;
    expect(() => txnOf(txn(Array.from({ length: 129 }, () => one)))).toThrow('too many operations');
    let nested: TxnRequest = txn([]);
    for (let i = 0; i < 20; i++) nested = txn([{ request: 'request_txn', request_txn: nested }]);
    expect(() => txnOf(nested)).toThrow('nested');
  });

  it('are serializable when every read is, however deep', () => {
    const read = (serializable: boolean) =>
      ({ request: 'request_range', request_range: range({ serializable }) }) as const;
    const deep = (serializable: boolean): TxnRequest =>
      txn([read(true), { request: 'request_txn', request_txn: txn([read(serializable)]) }]);
    expect([isSerializable(deep(true)), isSerializable(deep(false))]).toEqual([true, false]);
  });
});
