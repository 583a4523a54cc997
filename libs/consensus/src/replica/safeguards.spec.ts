import { afterEach, describe, expect, it } from 'vitest';
import { StorageError } from '../storage.js';
import { TestCluster, until } from '../testing/cluster.js';
import type { Replica } from './port.js';

let cluster: TestCluster;
afterEach(async () => {
  await cluster.destroy();
  expect(cluster.fatals).toEqual([]);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (replica: Replica, key: string, value: string | Uint8Array): Promise<unknown> =>
  replica.txn({
    compare: [],
    success: [{ type: 'put', key, value: typeof value === 'string' ? bytes(value) : value }],
  });
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof StorageError ? error.code : String(error)),
  );
const alarmsOf = (replica: Replica): string[] =>
  replica.status().alarms.map(({ type, member }) => `${type} ${member}`);

describe('the quota', () => {
  it('raises an alarm everywhere, refuses puts by all, and ends by itself below', async () => {
    cluster = await TestCluster.create(3, { quotaBytes: 200_000, retentionRevisions: 1, retentionMs: 1_000 });
    await cluster.openAll();
    const leader = await cluster.leader();
    const name = cluster.nameOf(leader);
    for (let i = 0; (await codeOf(put(leader, `/big/${i}`, new Uint8Array(20_000)))) === 'ok'; i++)
      expect(i).toBeLessThan(20);
    const follower = await cluster.follower();
    await until('the alarm is everywhere', () =>
      [...cluster.replicas.values()].every((one) => alarmsOf(one).includes(`noSpace ${name}`)),
    );
    expect(await codeOf(put(follower, '/small', 'x'))).toBe('QuotaExceeded');
    expect(await codeOf(follower.grantLease(5))).toBe('QuotaExceeded');
    expect(follower.range({ start: '/big/', end: '/big0' }).keyValues.length).toBeGreaterThan(5);
    for (const { key } of follower.range({ start: '/big/', end: '/big0' }).keyValues)
      await follower.txn({ compare: [], success: [{ type: 'delete', key }] });
    // Once retention has dropped the history: what was deleted counts as long as a watch may still ask for it.
    await until('it ended', () => alarmsOf(follower).length === 0, 60_000);
    expect(await codeOf(put(follower, '/small', 'x'))).toBe('ok');
  }, 120_000);

  it('is judged by each of its own, and an alarm can be ended by hand', async () => {
    cluster = await TestCluster.create(1, { quotaBytes: 200_000 });
    const only = await cluster.open('m1');
    await cluster.leader();
    for (let i = 0; (await codeOf(put(only, `/big/${i}`, new Uint8Array(20_000)))) === 'ok'; i++)
      expect(i).toBeLessThan(20);
    await until('it is raised', () => alarmsOf(only).length === 1);
    await cluster.close('m1');
    const roomy = await cluster.open('m1', { quotaBytes: 10_000_000_000, retentionMs: 1e9 });
    // Replayed from the log, and no size of today makes it go: nothing but the alarm forbids puts.
    await cluster.leader();
    await until('it is below its quota and ended', () => alarmsOf(roomy).length === 0);
    expect(await codeOf(put(roomy, '/small', 'x'))).toBe('ok');
    await expect(roomy.disarm('noSpace', 'm9')).rejects.toThrow("no member named 'm9'");
  }, 60_000);
});

/** What a flipped bit of memory does: this replica, and only it, holds another value from now on. */
function plantDifference(replica: Replica, key: string): void {
  const value = replica.get(key)?.value;
  if (value === undefined) throw new Error(`${key} is not there`);
  value[0] = (value[0] ?? 0) ^ 1;
}

describe('a replica that holds something else than the others', () => {
  it('stops serving, leads no more and is named by an alarm; the others go on', async () => {
    cluster = await TestCluster.create(3, { hashCheckMs: 300 });
    await cluster.openAll();
    const damaged = await cluster.leader();
    const name = cluster.nameOf(damaged);
    await put(damaged, '/a', 'value');
    const lost: string[] = [];
    damaged.watch({ start: '/a', onLost: ({ code }) => lost.push(code) }, () => undefined);
    plantDifference(damaged, '/a');
    await put(damaged, '/a', 'next');
    const others = [...cluster.replicas.values()].filter((one) => one !== damaged);
    await until('it is found out', () => codeOfRead(damaged) === 'Corrupt', 30_000);
    expect(lost).toEqual(['Corrupt']);
    expect(cluster.warnings.some((warning) => warning.includes('differs from that of the others'))).toBe(
      true,
    );
    await until('another leads', () => others.some(({ leadership }) => leadership.isLeader));
    expect(await codeOf(put(damaged, '/b', 'x'))).toBe('Corrupt');
    expect(() => damaged.watch({ start: '/a' }, () => undefined)).toThrow('does not serve');
    for (const other of others) {
      expect(alarmsOf(other)).toEqual([`corrupt ${name}`]);
      expect(other.metrics().alarms).toEqual(other.status().alarms);
      expect(await codeOf(put(other, '/b', 'x'))).toBe('ok');
    }
  }, 60_000);

  it('does not serve after a restart either, until it is told to; then it is found out again', async () => {
    cluster = await TestCluster.create(3, { hashCheckMs: 300, snapshotEntries: 20 });
    await cluster.openAll();
    const damaged = await cluster.follower();
    const name = cluster.nameOf(damaged);
    const leader = await cluster.leader();
    await put(leader, '/a', 'value');
    await until('it has it', () => damaged.get('/a') !== undefined);
    plantDifference(damaged, '/a');
    for (let i = 0; i < 30; i++) await put(leader, '/a', `${i}`);
    await until('it is found out', () => codeOfRead(damaged) === 'Corrupt', 30_000);
    // A snapshot of the damaged state is what it starts from again.
    await until('a snapshot was taken', () => damaged.metrics().snapshotSeconds.count > 0, 30_000);
    await cluster.close(name);
    const again = await cluster.open(name);
    await until('it knows', () => codeOfRead(again) === 'Corrupt', 30_000);
    await leader.disarm('corrupt', name);
    await until('it serves', () => codeOfRead(again) === 'ok', 30_000);
    await until('it is found out again', () => codeOfRead(again) === 'Corrupt', 30_000);
  }, 120_000);

  it('makes all stop where nobody is a majority', async () => {
    cluster = await TestCluster.create(2, { hashCheckMs: 300 });
    await cluster.openAll();
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    await put(leader, '/a', 'value');
    await until('both have it', () => follower.get('/a') !== undefined);
    plantDifference(follower, '/a');
    await put(leader, '/a', 'next');
    await until('both stop', () => [leader, follower].every((one) => codeOfRead(one) === 'Corrupt'), 30_000);
  }, 60_000);

  it('is nobody while all is well, however often they compare', async () => {
    cluster = await TestCluster.create(3, { hashCheckMs: 100, snapshotEntries: 10 });
    await cluster.openAll();
    const leader = await cluster.leader();
    const follower = cluster.nameOf(await cluster.follower());
    const before = leader.status().appliedIndex;
    for (let i = 0; i < 30; i++) await put(leader, `/k/${i % 7}`, `${i}`);
    await cluster.close(follower);
    for (let i = 0; i < 30; i++) await put(leader, `/k/${i % 7}`, `${i}`);
    await cluster.open(follower);
    // Beyond the 60 puts: several checks, each with its reports.
    await until('they have compared', () => leader.status().appliedIndex > before + 60 + 12, 30_000);
    for (const one of cluster.replicas.values()) expect(alarmsOf(one)).toEqual([]);
  }, 60_000);
});

const codeOfRead = (replica: Replica): string => {
  try {
    replica.get('/a');
    return 'ok';
  } catch (error) {
    return error instanceof StorageError ? error.code : String(error);
  }
};
