import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoreEvent } from '#libs/mvcc';
import type { Storage, StorageError } from '../storage.js';
import { TestCluster, createPeerTls, freePorts, until } from '../testing/cluster.js';
import { openReplica } from './open-replica.js';

let cluster: TestCluster;
afterEach(async () => {
  await cluster.destroy();
  expect(cluster.fatals).toEqual([]);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);
const put = (storage: Storage, key: string, value: string, fence?: number) =>
  storage.txn(
    { compare: [], success: [{ type: 'put', key, value: bytes(value) }] },
    fence === undefined ? {} : { fence },
  );
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: StorageError) => error.code,
  );

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

  it('restarts from its newest good snapshot and the log behind it; a bad one is put aside', async () => {
    cluster = await TestCluster.create(1, { snapshotEntries: 40, logKeepBytes: 1 });
    const first = await cluster.open('m1');
    const snapshots = (): string[] =>
      readdirSync(join(cluster.directory, 'm1', 'snap')).filter((n) => n.endsWith('.snap'));
    for (let i = 0; snapshots().length < 2; i++) await put(first, `/k/${i % 50}`, `v${i}`);
    await put(first, '/last', 'yes');
    const { revision } = first;
    await cluster.close('m1');
    const newest = join(cluster.directory, 'm1', 'snap', snapshots().sort().at(-1) ?? '');
    const content = readFileSync(newest);
    content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
    writeFileSync(newest, content);
    const again = await cluster.open('m1');
    await again.barrier();
    expect(again.revision).toBe(revision);
    expect(text(again.get('/last')?.value)).toBe('yes');
    expect(cluster.warnings.join()).toMatch(/snapshot does not hold and was put aside/);
  });

  it('goes on when a snapshot cannot be written, and says so', async () => {
    cluster = await TestCluster.create(1, { snapshotEntries: 10 });
    const replica = await cluster.open('m1');
    const directory = join(cluster.directory, 'm1', 'snap');
    rmSync(directory, { recursive: true });
    for (let i = 0; i < 15; i++) await put(replica, `/k/${i}`, 'x');
    await until('it is said', () =>
      cluster.warnings.some((said) => /snapshot could not be written/.test(said)),
    );
    await put(replica, '/after', 'x');
    mkdirSync(directory);
    for (let i = 0; i < 15; i++) await put(replica, `/k/${i}`, 'y');
    await until('the next one is written', () =>
      readdirSync(directory).some((name) => name.endsWith('.snap')),
    );
  });

  it('delivers what it applied to watchers, in order, before the writer is answered', async () => {
    cluster = await TestCluster.create(1);
    const replica = await cluster.open('m1');
    const seen: StoreEvent[] = [];
    replica.watch({ start: '/w/', end: '/w0' }, (events) => seen.push(...events));
    for (let i = 0; i < 20; i++) {
      await put(replica, `/w/${i}`, 'x');
      expect(seen.length).toBe(i + 1);
    }
    expect(seen.map(({ keyValue }) => keyValue.key)).toEqual(Array.from({ length: 20 }, (_, i) => `/w/${i}`));
  });

  it('ends a lease through the log when its time is over, and its keys with it', async () => {
    cluster = await TestCluster.create(1);
    const replica = await cluster.open('m1');
    const lease = await replica.grantLease(1);
    await replica.txn({ compare: [], success: [{ type: 'put', key: '/leased', value: bytes('x'), lease }] });
    const kept = await replica.grantLease(60);
    await replica.txn({
      compare: [],
      success: [{ type: 'put', key: '/kept', value: bytes('x'), lease: kept }],
    });
    await until('the leased key is gone', () => replica.get('/leased') === undefined);
    expect(replica.get('/kept')).toBeDefined();
    expect(await codeOf(replica.renewLease(lease))).toBe('LeaseNotFound');
    await replica.revokeLease(kept);
    expect(replica.get('/kept')).toBeUndefined();
  });

  it('drops history beyond its retention', async () => {
    cluster = await TestCluster.create(1, { retentionRevisions: 20 });
    const replica = await cluster.open('m1');
    for (let i = 0; i < 60; i++) await put(replica, '/a', `${i}`);
    await until('it is compacted', () => replica.compactRevision >= 30);
    expect(() => replica.range({ start: '/a', revision: 5 as never })).toThrow(/compacted/);
  });

  it('refuses puts above its quota, not deletes', async () => {
    cluster = await TestCluster.create(1, { quotaBytes: 10_000 });
    const replica = await cluster.open('m1');
    await put(replica, '/a', 'x'.repeat(10_000));
    expect(await codeOf(put(replica, '/b', 'x'))).toBe('QuotaExceeded');
    const removed = await replica.txn({ compare: [], success: [{ type: 'delete', key: '/a' }] });
    expect(removed.succeeded).toBe(true);
  });

  it('answers Overloaded and TooLarge rather than hold without bound', async () => {
    cluster = await TestCluster.create(1, { maxPendingProposals: 3 });
    const replica = await cluster.open('m1');
    await replica.barrier();
    expect(await codeOf(put(replica, '/a', 'x'.repeat(5 << 20)))).toBe('TooLarge');
    const codes = await Promise.all(Array.from({ length: 5 }, (_, i) => codeOf(put(replica, `/${i}`, 'x'))));
    expect(codes).toEqual(['resolved', 'resolved', 'resolved', 'Overloaded', 'Overloaded']);
  });
});

describe('three replicas', () => {
  beforeEach(async () => {
    cluster = await TestCluster.create(3, {
      snapshotEntries: 60,
      logKeepBytes: 1,
      segmentBytes: 64 << 10,
      noLeaderPatienceMs: 600,
    });
    await cluster.openAll();
    await cluster.leader();
  });

  it('take writes on any, and read them behind a barrier on any', async () => {
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
  });

  it('elect anew when the leader goes, and bring it up to date by a snapshot when it returns', async () => {
    const leader = await cluster.leader();
    const name = cluster.nameOf(leader);
    await put(leader, '/before', 'x');
    await cluster.close(name);
    const next = await cluster.leader();
    expect(next.leadership.term).toBeGreaterThan(leader.leadership.term);
    for (let i = 0; i < 200; i++) await put(next, `/k/${i % 70}`, 'x'.repeat(500));
    const returned = await cluster.open(name);
    await returned.barrier();
    expect(returned.revision).toBe(next.revision);
    expect(returned.range({ start: '/', end: '0' }).keyValues).toEqual(
      next.range({ start: '/', end: '0' }).keyValues,
    );
    await put(returned, '/after', 'x');
    const files = (of: string): string[] => readdirSync(join(cluster.directory, of, 'snap'));
    expect(files(name).filter((file) => files(cluster.nameOf(next)).includes(file))).not.toEqual([]);
  });

  it('apply each write once, however often leadership moves under it', async () => {
    const keys: string[] = [];
    const writers = [...cluster.replicas.values()].flatMap((replica, r) =>
      Array.from({ length: 4 }, async (_, w) => {
        for (let i = 0; i < 40; i++) {
          const key = `/once/${r}-${w}-${i}`;
          keys.push(key);
          await put(replica, key, 'x');
        }
      }),
    );
    for (const to of ['m1', 'm2', 'm3', 'm1', 'm2'])
      await (await cluster.leader()).transferLeadership(to).catch(() => undefined);
    await Promise.all(writers);
    for (const replica of cluster.replicas.values()) {
      await replica.barrier();
      for (const key of keys) expect(replica.get(key)?.version).toBe(1);
    }
  });

  it('hand leadership over on demand, from any replica', async () => {
    const follower = await cluster.follower();
    const name = cluster.nameOf(follower);
    await follower.transferLeadership(name);
    expect((await cluster.leader()).leadership.leader).toBe(name);
    expect(await codeOf(follower.transferLeadership('nobody'))).toBe('BadRequest');
  });

  it('refuse a write fenced by a term that is over, and one from a replica that does not lead', async () => {
    const leader = await cluster.leader();
    const { term } = leader.leadership;
    await put(leader, '/fenced', 'by its own term', term);
    expect(await codeOf(put(await cluster.follower(), '/fenced', 'by a follower', term))).toBe('Fenced');
    await leader.transferLeadership();
    await cluster.leader();
    expect(await codeOf(put(leader, '/fenced', 'by a deposed leader', term))).toBe('Fenced');
    await leader.barrier();
    expect(text(leader.get('/fenced')?.value)).toBe('by its own term');
  });

  it('say NoQuorum in bounded time when one is left, still read locally, and heal when one returns', async () => {
    await put(cluster.get('m1'), '/a', 'x');
    await cluster.get('m3').barrier();
    await cluster.close('m1');
    await cluster.close('m2');
    const left = cluster.get('m3');
    const started = performance.now();
    expect(await codeOf(put(left, '/b', 'x'))).toBe('NoQuorum');
    expect(await codeOf(left.barrier())).toBe('NoQuorum');
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(left.status().quorum).toBe(false);
    expect(text(left.get('/a')?.value)).toBe('x');
    await cluster.open('m1');
    await cluster.leader();
    await put(left, '/c', 'healed');
    await left.barrier();
    expect(text(cluster.get('m3').get('/c')?.value)).toBe('healed');
  });

  it('show members, leader and lag in their status, and count in their metrics', async () => {
    const leader = await cluster.leader();
    for (let i = 0; i < 10; i++) await put(leader, '/a', `${i}`);
    await until('the followers have caught up', () =>
      leader
        .status()
        .members.every(({ matchIndex, active }) => active && matchIndex === leader.status().lastIndex),
    );
    const { members, leadership, quorum } = leader.status();
    expect(quorum).toBe(true);
    expect(members.filter(({ role }) => role === 'leader').map(({ name }) => name)).toEqual([
      leadership.leader,
    ]);
    const metrics = leader.metrics();
    expect(metrics.walFsyncSeconds.count).toBeGreaterThan(5);
    expect(metrics.threadDelaySeconds.count).toBeGreaterThan(0);
    expect(metrics.proposalsApplied).toBe(leader.status().appliedIndex);
    expect(metrics.peers.map(({ sentBytes }) => sentBytes > 0)).toEqual([true, true]);
    const others = members.map(({ name }) => name).filter((name) => name !== leadership.leader);
    await until('nothing is in flight any more', () =>
      leader.metrics().followers.every(({ inflightMessages }) => inflightMessages === 0),
    );
    expect(leader.metrics().followers).toEqual(
      others.map((name) => ({
        name,
        state: 'replicate',
        active: true,
        matchIndex: leader.status().lastIndex,
        nextIndex: leader.status().lastIndex + 1,
        lagEntries: 0,
        inflightMessages: 0,
        inflightBytes: 0,
      })),
    );
    const [follower] = others;
    expect(cluster.get(follower ?? '').metrics().followers).toEqual([]);
  });
});

describe('a replica that must not join', () => {
  it('of another cluster is refused, with the reason on both sides', async () => {
    cluster = await TestCluster.create(3);
    await cluster.open('m1');
    await cluster.open('m2', { clusterId: 'other' });
    await until('both have said so', () =>
      ['refused peer', 'it refused this server'].every((said) =>
        cluster.warnings.some((warning) => warning.includes(said) && warning.includes("cluster 'other'")),
      ),
    );
    expect(cluster.get('m1').leadership.leader).toBeUndefined();
  });

  it('with a certificate of another authority is refused', async () => {
    cluster = await TestCluster.create(3);
    await cluster.open('m1');
    await cluster.open('m2', { tls: (await createPeerTls(['m2'])).get('m2') as never });
    await until('it was refused', () => cluster.warnings.some((warning) => /certificate/.test(warning)));
    expect(cluster.get('m1').leadership.leader).toBeUndefined();
  });

  it('with the certificate of another member is refused', async () => {
    cluster = await TestCluster.create(3);
    await cluster.open('m1');
    await cluster.open('m2', { tls: cluster.tls.get('m3') as never });
    await until('it was refused', () =>
      cluster.warnings.some((warning) => /does not speak for member 2/.test(warning)),
    );
    expect(cluster.get('m1').leadership.leader).toBeUndefined();
  });
});

describe('a data directory that cannot be served from', () => {
  it('in use is refused', async () => {
    cluster = await TestCluster.create(1);
    await cluster.open('m1');
    await expect(openReplica(cluster.options('m1'))).rejects.toThrow(/already in use/);
  });

  it('of another member or cluster is refused', async () => {
    cluster = await TestCluster.create(1);
    await cluster.open('m1');
    await cluster.close('m1');
    await expect(openReplica(cluster.options('m1', { clusterId: 'other' }))).rejects.toThrow(
      /belongs to member 1 of cluster test, not to member 1 of other/,
    );
  });

  it('with a damaged log is refused, and can be opened again once it is repaired', async () => {
    cluster = await TestCluster.create(1);
    const replica = await cluster.open('m1');
    for (let i = 0; i < 5; i++) await put(replica, `/${i}`, 'x');
    await cluster.close('m1');
    const path = join(cluster.directory, 'm1', 'wal', '0000000000000001.wal');
    const good = readFileSync(path);
    const bad = Buffer.from(good);
    bad[400] = (bad[400] ?? 0) ^ 1;
    writeFileSync(path, bad);
    await expect(openReplica(cluster.options('m1'))).rejects.toThrow(
      /is damaged at byte .* a later one follows/,
    );
    writeFileSync(path, good);
    const again = await cluster.open('m1');
    await again.barrier();
    expect(again.get('/4')).toBeDefined();
  });

  it('that cannot be written is refused', async () => {
    cluster = await TestCluster.create(1);
    writeFileSync(join(cluster.directory, 'file'), '');
    const dataDir = join(cluster.directory, 'file', 'm1');
    await expect(openReplica(cluster.options('m1', { dataDir }))).rejects.toThrow(
      /cannot be written .*Check its owner/,
    );
  });

  it('beside a busy peer port: the error names the port', async () => {
    cluster = await TestCluster.create(1);
    const [port] = await freePorts(1);
    const { createServer } = await import('node:net');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const listen = { host: '127.0.0.1', port: port ?? 0 };
    await expect(openReplica(cluster.options('m1', { listen }))).rejects.toThrow(
      `127.0.0.1:${port} is in use`,
    );
    await new Promise((resolve) => server.close(resolve));
  });
});
