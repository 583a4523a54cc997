import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Storage } from '../storage.js';
import { until } from './cluster.js';
import { text, put, write, absent, codeOf, all, record, leaderOf } from './storage-contract-support.js';
import type { ContractCluster, ContractEngine } from './storage-contract-support.js';

/** What replicas of one cluster promise together. */
export function describeReplicatedContract(engine: ContractEngine): void {
  describe(`three replicas of ${engine.name}`, () => {
    let cluster: ContractCluster;
    beforeEach(async () => {
      cluster = await engine.open(3, { retentionRevisions: 20_000 });
      await leaderOf(cluster.replicas);
    });
    afterEach(() => cluster.destroy());

    const followerOf = async (): Promise<Storage> => {
      const leader = await leaderOf(cluster.replicas);
      return cluster.replicas.find((replica) => replica !== leader)!;
    };

    it('take writes on any, and read them behind a barrier on any', async () => {
      for (const [i, writer] of cluster.replicas.entries()) {
        await write(writer, put('/a', String(i)));
        for (const reader of cluster.replicas) {
          await reader.barrier();
          expect(text(reader.get('/a')?.value)).toBe(String(i));
        }
      }
    });

    it('of many compares of one state, one holds', async () => {
      const tries = cluster.replicas.flatMap((replica) =>
        Array.from({ length: 5 }, (_, i) =>
          replica.txn({ compare: [absent('/lock')], success: [put('/lock', `${i}`)] }),
        ),
      );
      const won = (await Promise.all(tries)).filter(({ succeeded }) => succeeded);
      expect(won).toHaveLength(1);
    });

    it('hold the same, with the same revisions, and tell it in the same order', async () => {
      const watched = cluster.replicas.map((replica) => record(replica, all));
      const writes = cluster.replicas.flatMap((replica, r) =>
        Array.from({ length: 30 }, (_, i) => write(replica, put(`/k/${(r + i) % 7}`, `${r}-${i}`))),
      );
      await Promise.all(writes);
      await Promise.all(cluster.replicas.map((replica) => replica.barrier()));
      const [first, ...others] = cluster.replicas.map((replica) => replica.range(all).keyValues);
      for (const other of others) expect(other).toEqual(first);
      const [told, ...toldOthers] = watched.map(({ seen }) => seen());
      expect(told).toHaveLength(writes.length);
      for (const other of toldOthers) expect(other).toEqual(told);
    });

    it('refuse a write fenced by a term that is over, and one from a replica that does not lead', async () => {
      const leader = await leaderOf(cluster.replicas);
      const { term } = leader.leadership;
      const fencedWrite = (storage: Storage, value: string) =>
        storage.txn({ compare: [], success: [put('/fenced', value)] }, { fence: term });
      await fencedWrite(leader, 'by its own term');
      expect(await codeOf(fencedWrite(await followerOf(), 'by a follower'))).toBe('Fenced');
      await leader.transferLeadership();
      const next = await leaderOf(cluster.replicas);
      expect(next.leadership.term).toBeGreaterThan(term);
      expect(await codeOf(fencedWrite(leader, 'by a deposed leader'))).toBe('Fenced');
      await leader.barrier();
      expect(text(leader.get('/fenced')?.value)).toBe('by its own term');
    });

    it('hand leadership over to whom one names, from any replica', async () => {
      for (const replica of cluster.replicas) {
        const to = cluster.replicas.find((other) => !other.leadership.isLeader)!.status().name;
        await replica.transferLeadership(to);
        expect((await leaderOf(cluster.replicas)).status().name).toBe(to);
      }
      expect(await codeOf(cluster.replicas[0]!.transferLeadership('nobody'))).toBe('BadRequest');
    });

    it('a leader that ends is followed by one that holds all it wrote', async () => {
      const leader = await leaderOf(cluster.replicas);
      await write(leader, put('/a', 'last words'));
      const left = cluster.replicas.filter((replica) => replica !== leader);
      await leader.close();
      await until('another leads', () => left.some(({ leadership }) => leadership.isLeader), 30_000);
      const next = left.find(({ leadership }) => leadership.isLeader)!;
      expect(text(next.get('/a')?.value)).toBe('last words');
    });

    it('leadership is told at once and at each change, until unsubscribed', async () => {
      const leader = await leaderOf(cluster.replicas);
      const seen: boolean[] = [];
      const stop = leader.onLeadership(({ isLeader }) => seen.push(isLeader));
      await leader.transferLeadership();
      await until('it is told', () => seen.includes(false));
      expect(seen[0]).toBe(true);
      stop();
    });
  });
}
