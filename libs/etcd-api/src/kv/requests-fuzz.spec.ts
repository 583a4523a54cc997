import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { etcdPackageDefinition } from '#libs/consensus';
import { createStore, decodeCommand, encodeCommand } from '#libs/mvcc';
import { EtcdError } from '../errors.js';
import type { TxnRequest } from '../messages.js';
import { deleteRangeOf, putOf, rangeOf, txnOf } from './requests.js';

/** What a client may send, wrong in every way: it is refused by name, or it is a command that every replica can apply. */

interface Method {
  readonly requestSerialize: (message: object) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => never;
}

let kv: Readonly<Record<string, Method>>;
beforeAll(async () => {
  const definition = await etcdPackageDefinition({ longs: Number });
  kv = definition['etcdserverpb.KV'] as unknown as typeof kv;
});

const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array));
const number = fc.oneof(
  fc.integer({ min: -3, max: 6 }),
  fc.constantFrom(2 ** 53, 2 ** 62, -(2 ** 53), -(2 ** 63), Number.MAX_SAFE_INTEGER),
);
const range = fc.record({
  key: bytes,
  range_end: bytes,
  limit: number,
  revision: number,
  sort_order: fc.nat(3),
  sort_target: fc.nat(5),
  keys_only: fc.boolean(),
  count_only: fc.boolean(),
  min_mod_revision: number,
  max_create_revision: number,
});
const put = fc.record({
  key: bytes,
  value: bytes,
  lease: number,
  prev_kv: fc.boolean(),
  ignore_value: fc.boolean(),
  ignore_lease: fc.boolean(),
});
const deleteRange = fc.record({ key: bytes, range_end: bytes, prev_kv: fc.boolean() });
const compare = fc
  .record({ result: fc.nat(4), target: fc.nat(5), key: bytes, range_end: bytes, number, value: bytes })
  .chain(({ number: operand, value, ...rest }) =>
    fc.constantFrom<object>(
      rest,
      { ...rest, version: operand },
      { ...rest, create_revision: operand },
      { ...rest, mod_revision: operand },
      { ...rest, lease: operand },
      { ...rest, value },
    ),
  );
const { txn } = fc.letrec<{ txn: object; operation: object }>((tie) => ({
  operation: fc.oneof(
    { maxDepth: 3 },
    fc.constant({}),
    range.map((request_range) => ({ request_range })),
    put.map((request_put) => ({ request_put })),
    deleteRange.map((request_delete_range) => ({ request_delete_range })),
    tie('txn').map((request_txn) => ({ request_txn })),
  ),
  txn: fc.record({
    compare: fc.array(compare, { maxLength: 3 }),
    success: fc.array(tie('operation'), { maxLength: 3 }),
    failure: fc.array(tie('operation'), { maxLength: 3 }),
  }),
}));

/** Refused by one of etcd's own errors, or encoded, decoded and applied without anything being thrown. */
function expectTaken(request: TxnRequest): void {
  let taken: ReturnType<typeof txnOf>;
  try {
    taken = txnOf(request);
  } catch (error) {
    expect(error).toBeInstanceOf(EtcdError);
    return;
  }
  const id = { session: 1, sequence: 1, answeredBelow: 1 };
  const encoded = encodeCommand({ type: 'etcdTxn', id, txn: taken });
  expect(encodeCommand(decodeCommand(encoded))).toEqual(encoded);
  expect(createStore().apply(1, 1, encoded)?.space).toBe('etcd');
}

const refusedByName = (work: () => unknown): void => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(EtcdError);
  }
};

describe('requests of any shape', () => {
  it('are transactions that every replica can apply, or refused', () => {
    fc.assert(
      fc.property(txn, (message) => {
        const { requestSerialize, requestDeserialize } = kv['Txn']!;
        expectTaken(requestDeserialize(requestSerialize(message)));
      }),
      { numRuns: 1_500, seed: 31 },
    );
  });

  it('are ranges, puts and deletes, or refused', () => {
    const through = (name: string, message: object): never =>
      kv[name]!.requestDeserialize(kv[name]!.requestSerialize(message));
    fc.assert(
      fc.property(range, put, deleteRange, (aRange, aPut, aDelete) => {
        refusedByName(() => createStore().etcd.range(rangeOf(through('Range', { ...aRange, revision: 0 }))));
        refusedByName(() => putOf(through('Put', aPut)));
        refusedByName(() => deleteRangeOf(through('DeleteRange', aDelete)));
      }),
      { numRuns: 500, seed: 32 },
    );
  });

  it('of any bytes are refused by the decoder, or taken like any other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), txn, fc.nat(), (noise, message, at) => {
        const { requestSerialize, requestDeserialize } = kv['Txn']!;
        const good = requestSerialize(message);
        const damaged = Buffer.from(good);
        if (damaged.length > 0) damaged[at % damaged.length] = noise[0] ?? 0xff;
        for (const input of [Buffer.from(noise), damaged]) {
          let request: TxnRequest;
          try {
            request = requestDeserialize(input);
          } catch (error) {
            // protobuf's own words for bytes that are no message: gRPC answers INTERNAL for it.
            expect(error).toBeInstanceOf(Error);
            continue;
          }
          expectTaken(request);
        }
      }),
      { numRuns: 1_500, seed: 33 },
    );
  });
});
