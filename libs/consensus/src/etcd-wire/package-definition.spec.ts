import { describe, expect, it } from 'vitest';
import { etcdPackageDefinition } from './package-definition.js';

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: object) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => object;
  readonly responseSerialize: (message: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

async function method(
  service: string,
  name: string,
  longs: NumberConstructor | StringConstructor = Number,
): Promise<Method> {
  const definition = await etcdPackageDefinition({ longs });
  return (definition[service] as unknown as Record<string, Method>)[name]!;
}

describe('the wire of etcd', () => {
  it('has the numbers of the protocol: bytes as etcd’s own client writes them', async () => {
    const range = await method('etcdserverpb.KV', 'Range');
    expect(range.path).toBe('/etcdserverpb.KV/Range');
    // key "a", range_end "b", limit 5, sort_order DESCEND, serializable
    const bytes = Buffer.from('0a0161120162180528023801', 'hex');
    expect(range.requestDeserialize(bytes)).toMatchObject({
      key: Buffer.from('a'),
      range_end: Buffer.from('b'),
      limit: 5,
      sort_order: 'DESCEND',
      sort_target: 'KEY',
      serializable: true,
    });
    const compare = {
      result: 'NOT_EQUAL',
      target: 'LEASE',
      key: Buffer.from('k'),
      lease: 3,
      range_end: Buffer.from('l'),
    };
    const txn = (await method('etcdserverpb.KV', 'Txn')).requestSerialize({ compare: [compare] });
    expect(txn.toString('hex')).toBe('0a0d080310041a016b40038204016c');
  });

  it('names oneofs, keeps bytes, and gives 64 bits as asked', async () => {
    const watch = await method('etcdserverpb.Watch', 'Watch');
    expect([watch.requestStream, watch.responseStream]).toEqual([true, true]);
    const request = watch.requestDeserialize(watch.requestSerialize({ cancel_request: { watch_id: -1 } }));
    expect(request).toMatchObject({ request_union: 'cancel_request', cancel_request: { watch_id: -1 } });
    const lease = '7587862094840578565';
    const keepAlive = await method('etcdserverpb.Lease', 'LeaseKeepAlive', String);
    expect(keepAlive.requestDeserialize(keepAlive.requestSerialize({ ID: lease }))).toEqual({ ID: lease });
    const key = Buffer.from([0, 255, 128]);
    const put = await method('etcdserverpb.KV', 'Put');
    expect(put.requestDeserialize(put.requestSerialize({ key, value: key }))).toMatchObject({
      key,
      value: key,
    });
  });

  it('reaches across packages', async () => {
    const kv = { key: Buffer.from('a'), mod_revision: 7 };
    const leader = await method('v3electionpb.Election', 'Leader');
    expect(
      leader.responseDeserialize(leader.responseSerialize({ header: { revision: 9 }, kv })),
    ).toMatchObject({
      header: { revision: 9 },
      kv,
    });
  });
});
