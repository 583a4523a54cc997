import { afterEach, describe, expect, it } from 'vitest';
import type { Storage } from '../storage.js';
import { TestCluster, until } from '../testing/cluster.js';

let cluster: TestCluster;
afterEach(() => cluster.destroy());

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);
const put = (storage: Storage, key: string, value: string) =>
  storage.txn({ compare: [], success: [{ type: 'put', key, value: bytes(value) }] });

describe('one replica', () => {
  it('answers a write once it is durable, and holds it after a restart', async () => {
    cluster = await TestCluster.create(1);
    const first = await cluster.open('m1');
    const written = await put(first, '/a', 'one');
    expect(written.succeeded).toBe(true);
    expect(text(first.get('/a')?.value)).toBe('one');
    await cluster.close('m1');
    const again = await cluster.open('m1');
    await again.barrier();
    expect(text(again.get('/a')?.value)).toBe('one');
    expect(again.revision).toBe(written.revision);
  });
});

describe('three replicas', () => {
  it('elect one leader, take writes on any, and read them behind a barrier on any', async () => {
    cluster = await TestCluster.create(3);
    await cluster.openAll();
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    await put(follower, '/a', 'from a follower');
    expect(text(follower.get('/a')?.value)).toBe('from a follower');
    await leader.barrier();
    expect(text(leader.get('/a')?.value)).toBe('from a follower');
    await put(leader, '/b', 'from the leader');
    for (const replica of cluster.replicas.values()) {
      await replica.barrier();
      expect(text(replica.get('/b')?.value)).toBe('from the leader');
    }
    await until(
      'all agree',
      () => new Set([...cluster.replicas.values()].map(({ revision }) => revision)).size === 1,
    );
  });
});
