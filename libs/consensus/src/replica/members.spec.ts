import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { MemberRemovedError } from '../errors.js';
import type { StorageError } from '../storage.js';
import { TestCluster, until } from '../testing/cluster.js';
import type { Replica } from './port.js';

let cluster: TestCluster;
afterEach(() => cluster.destroy());

const put = (replica: Replica, key: string) =>
  replica.txn({ compare: [], success: [{ type: 'put', key, value: new TextEncoder().encode(key) }] });
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: StorageError) => error.code,
  );
const spare = (name: string) => {
  const found = cluster.spares.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no spare ${name}`);
  return { name, host: found.host, port: found.port };
};
const rolesOn = (replica: Replica) =>
  Object.fromEntries(replica.members.list().map(({ name, role }) => [name, role]));

/** Adds a spare, starts it with nothing, and waits until it holds what the others hold. */
async function grow(through: Replica, name: string, role: 'learner' | 'observer'): Promise<Replica> {
  const id = await through.members.add({ ...spare(name), role });
  const joined = await cluster.join(name, id);
  await put(through, `/grown/${name}`);
  await until(`${name} has caught up`, () => joined.revision >= through.revision);
  return joined;
}

/** The learner holds all; that the leader knows it is a message away. */
async function promote(through: Replica, id: number): Promise<void> {
  let code = 'LearnerNotReady';
  for (let i = 0; code === 'LearnerNotReady' && i < 1_000; i++) {
    await through.barrier();
    code = await codeOf(through.members.promote(id));
  }
  expect(code).toBe('resolved');
}

describe('membership of a running group', () => {
  it('replaces a member, the leader, under writes: nothing is lost, and the old one is told', async () => {
    cluster = await TestCluster.create(3, { snapshotEntries: 30, logKeepBytes: 1 }, 1);
    await cluster.openAll();
    const leader = await cluster.leader();
    for (let i = 0; i < 100; i++) await put(leader, `/before/${i}`);
    const survivor = await cluster.follower();
    const written: string[] = [];
    const load = { on: true };
    const writer = (async () => {
      for (let i = 0; load.on; i++) {
        await put(survivor, `/during/${i}`);
        written.push(`/during/${i}`);
      }
    })();
    const joined = await grow(survivor, 'm4', 'learner');
    expect(joined.status().members.find(({ name }) => name === 'm4')?.role).toBe('learner');
    expect(joined.metrics().isLearner).toBe(true);
    await promote(survivor, 4);
    const gone = cluster.nameOf(leader);
    await survivor.members.remove(leader.status().memberId);
    await until('the old leader was told', () => cluster.fatals.length > 0);
    expect(cluster.fatals[0]).toBeInstanceOf(MemberRemovedError);
    cluster.replicas.delete(gone);
    load.on = false;
    await writer;
    await joined.barrier();
    expect(written.length).toBeGreaterThan(10);
    for (const key of written) expect(joined.get(key)).toBeDefined();
    for (let i = 0; i < 100; i++) expect(joined.get(`/before/${i}`)).toBeDefined();
    const stayed = cluster.members.map(({ name }) => name).filter((name) => name !== gone);
    await until('all know the members', () =>
      [...cluster.replicas.values()].every((replica) => Object.keys(rolesOn(replica)).length === 3),
    );
    expect(rolesOn(joined)).toEqual(Object.fromEntries([...stayed, 'm4'].map((name) => [name, 'voter'])));
    // Its id is of no more use, with its data directory or without.
    cluster.fatals.length = 0;
    rmSync(join(cluster.directory, gone), { recursive: true });
    await cluster.open(gone);
    await until('it is refused', () => cluster.fatals.length > 0);
    expect(cluster.fatals[0]?.message).toMatch(/was removed from the cluster/);
    cluster.replicas.delete(gone);
  });

  it('keeps its members over snapshots and restarts, and none of them needs to be told who they are', async () => {
    cluster = await TestCluster.create(1, { snapshotEntries: 20, logKeepBytes: 1 }, 2);
    const first = await cluster.open('m1');
    await grow(first, 'm2', 'learner');
    await promote(first, 2);
    await grow(first, 'm3', 'observer');
    for (let i = 0; i < 60; i++) await put(first, `/k/${i}`);
    for (const name of ['m1', 'm2', 'm3']) await cluster.close(name);
    await Promise.all([cluster.open('m1'), cluster.join('m2', 2), cluster.join('m3', 3)]);
    const leader = await cluster.leader();
    await put(leader, '/after');
    for (const replica of cluster.replicas.values()) {
      await replica.barrier();
      expect(rolesOn(replica)).toEqual({ m1: 'voter', m2: 'voter', m3: 'observer' });
      expect(replica.get('/after')).toBeDefined();
    }
    expect(cluster.fatals).toEqual([]);
  });

  it('finds a leader that was added while it was away, by its introduction', async () => {
    cluster = await TestCluster.create(3, {}, 1);
    await cluster.openAll();
    const leader = await cluster.leader();
    const away = cluster.nameOf(await cluster.follower());
    await cluster.close(away);
    const joined = await grow(leader, 'm4', 'learner');
    await promote(leader, 4);
    await leader.transferLeadership('m4');
    expect((await cluster.leader()).status().name).toBe('m4');
    await put(joined, '/while-away');
    const back = await cluster.open(away);
    await until('it has caught up', () => back.get('/while-away') !== undefined);
    expect(rolesOn(back)['m4']).toBe('voter');
    expect(back.leadership.leader).toBe('m4');
    expect(cluster.fatals).toEqual([]);
  });

  it('an observer serves reads, watches and writes, and counts for nothing', async () => {
    cluster = await TestCluster.create(2, {}, 1);
    await cluster.openAll();
    const leader = await cluster.leader();
    const observer = await grow(leader, 'm3', 'observer');
    const seen: string[] = [];
    observer.watch({ start: '/', end: '0' }, (events) =>
      seen.push(...events.map(({ keyValue }) => keyValue.key)),
    );
    await put(observer, '/written-there');
    expect(seen).toEqual(['/written-there']);
    await put(leader, '/written-here');
    await observer.barrier();
    expect(observer.get('/written-here')).toBeDefined();
    expect(await codeOf(leader.members.promote(3))).toBe('NotLearner');
    await cluster.close(
      cluster.nameOf(await cluster.follower().then((one) => (one === observer ? leader : one))),
    );
    expect(await codeOf(put(observer, '/without-quorum'))).toMatch(/NoQuorum|Timeout/);
    expect(cluster.fatals).toEqual([]);
  });

  it('refuses what cannot be, on whichever member it is asked', async () => {
    cluster = await TestCluster.create(3, {}, 1);
    await cluster.openAll();
    const [leader, follower] = [await cluster.leader(), await cluster.follower()];
    const m4 = { ...spare('m4'), role: 'learner' } as const;
    for (const replica of [leader, follower]) {
      expect(await codeOf(replica.members.add({ ...m4, name: 'm1' }))).toBe('MemberExists');
      expect(await codeOf(replica.members.promote(9))).toBe('MemberNotFound');
      expect(await codeOf(replica.members.promote(1))).toBe('NotLearner');
    }
    // It is added, and not there: it can neither be promoted nor replace one that is needed.
    expect(await follower.members.add(m4)).toBe(4);
    expect(await codeOf(follower.members.promote(4))).toBe('LearnerNotReady');
    expect(follower.metrics().promotions).toEqual({
      successes: 0,
      failures: { MemberNotFound: 1, NotLearner: 1, LearnerNotReady: 1 },
    });
    const third = [...cluster.replicas.values()].find((one) => one !== leader && one !== follower) as Replica;
    await cluster.close(cluster.nameOf(third));
    await until(
      'the one that is left is needed',
      () => leader.status().members.filter(({ active }) => active).length === 2,
    );
    const needed = follower.status().memberId;
    expect(await codeOf(leader.members.remove(needed))).toBe('QuorumLoss');
    // A change of address is taken, and the new ones are known everywhere.
    await follower.members.update(4, { host: '127.0.0.2', port: 7 });
    await until('the leader knows it', () => leader.members.list().some(({ host }) => host === '127.0.0.2'));
    await follower.members.remove(4);
    expect(leader.members.list().map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(await follower.members.add(m4)).toBe(5);
    expect(cluster.fatals).toEqual([]);
  });
});
