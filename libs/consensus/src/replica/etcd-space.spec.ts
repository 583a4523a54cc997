import { afterEach, describe, expect, it } from 'vitest';
import type { StoreEvent } from '#libs/mvcc';
import { EtcdRefusal } from '../etcd-space.js';
import type { EtcdSpace, EtcdTxn } from '../etcd-space.js';
import { TestCluster, until } from '../testing/cluster.js';

let cluster: TestCluster;
afterEach(async () => {
  await cluster.destroy();
  expect(cluster.fatals).toEqual([]);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (key: string, value: string, lease = 0): EtcdTxn => ({
  type: 'txn',
  compare: [],
  success: [{ type: 'put', key, value: bytes(value), lease, previous: true }],
  failure: [],
});
const keysOf = (space: EtcdSpace): string[] =>
  space.range({ type: 'range', key: '\0', end: '\0' }).keyValues.map(({ key }) => key);

describe('the etcd space of a replica', () => {
  it('is one on all members, apart from the API server’s, and outlives a restart', async () => {
    cluster = await TestCluster.create(3);
    await cluster.openAll();
    const follower = await cluster.follower();
    const written = await follower.etcdSpace.txn(put('a', '1'));
    expect(written.revision).toBe(2);
    expect(follower.get('a')).toBeUndefined();
    expect(follower.revision).toBe(1);
    const leader = await cluster.leader();
    await leader.etcdSpace.barrier();
    expect(keysOf(leader.etcdSpace)).toEqual(['a']);
    expect(leader.etcdSpace.hash()).toBe(follower.etcdSpace.hash());
    const name = cluster.nameOf(follower);
    await cluster.close(name);
    const again = await cluster.open(name);
    await again.etcdSpace.barrier();
    expect([keysOf(again.etcdSpace), again.etcdSpace.revision]).toEqual([['a'], 2]);
  });

  it('ends leases that nobody keeps, deleting their keys for every watcher', async () => {
    cluster = await TestCluster.create(3);
    await cluster.openAll();
    const { etcdSpace } = await cluster.follower();
    const kept = await etcdSpace.grantLease(2, 77);
    const dropped = await etcdSpace.grantLease(1);
    expect(kept).toBe(77);
    await expect(etcdSpace.grantLease(5, 77)).rejects.toEqual(new EtcdRefusal('leaseExists'));
    const seen: StoreEvent[] = [];
    etcdSpace.watch({ start: 'k', end: 'l' }, (events) => void seen.push(...events));
    await etcdSpace.txn(put('k/kept', '', kept));
    await etcdSpace.txn(put('k/dropped', '', dropped));
    const keeper = setInterval(() => void etcdSpace.renewLease(kept), 200);
    await until('the lease ends', () => etcdSpace.lease(dropped) === undefined);
    clearInterval(keeper);
    expect(seen.map(({ type, keyValue }) => `${type} ${keyValue.key}`)).toEqual([
      'put k/kept',
      'put k/dropped',
      'delete k/dropped',
    ]);
    expect(etcdSpace.lease(kept)!.remainingMs).toBeGreaterThan(0);
    await etcdSpace.revokeLease(kept);
    expect(keysOf(etcdSpace)).toEqual([]);
    await expect(etcdSpace.renewLease(kept)).rejects.toEqual(new EtcdRefusal('leaseNotFound'));
  });

  it('refuses as etcd does, and what is compacted stays so', async () => {
    cluster = await TestCluster.create(1);
    const { etcdSpace } = await cluster.open('m1');
    for (const value of ['1', '2', '3']) await etcdSpace.txn(put('a', value));
    await etcdSpace.compact(3);
    await expect(etcdSpace.compact(3)).rejects.toEqual(new EtcdRefusal('compacted'));
    await expect(etcdSpace.compact(99)).rejects.toEqual(new EtcdRefusal('futureRevision'));
    const past = { type: 'range', key: 'a', revision: 2 } as const;
    expect(() => etcdSpace.range(past)).toThrow(new EtcdRefusal('compacted'));
    expect(() => etcdSpace.watch({ start: 'a', fromRevision: 2 as never }, () => undefined)).toThrow(
      /compacted/,
    );
    const twice: EtcdTxn = { ...put('a', ''), success: [...put('a', '1').success, ...put('a', '2').success] };
    await expect(etcdSpace.txn(twice)).rejects.toEqual(new EtcdRefusal('duplicateKey'));
  });
});
