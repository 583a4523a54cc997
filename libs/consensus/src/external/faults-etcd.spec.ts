import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPeerTls, freePorts, until } from '../testing/cluster.js';
import { TestEtcd } from '../testing/etcd-server.js';
import type { Storage, StorageError } from '../storage.js';
import { openExternal } from './open-external.js';
import { ExternalCluster } from './testing/external-cluster.js';

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

let etcd: TestEtcd;
let cluster: ExternalCluster;

afterEach(async () => {
  await cluster?.destroy();
  await etcd.stop();
});

describe('an etcd of one member', () => {
  beforeEach(async () => {
    etcd = await TestEtcd.start();
    cluster = new ExternalCluster(`etcd://${etcd.hosts}`, 3, { noLeaderPatienceMs: 800 });
  });

  it('killed: writes and barriers say NoQuorum in bounded time, memory is read, and all goes on when it is back', async () => {
    await cluster.openAll();
    const leader = await cluster.leader();
    const { term } = leader.leadership;
    const seen: string[] = [];
    const [first] = cluster.replicas.values();
    first!.watch({ start: '/', end: '0' }, (events) =>
      seen.push(...events.map(({ keyValue }) => keyValue.key)),
    );
    await put(leader, '/a', 'x');
    await etcd.kill();
    const started = performance.now();
    expect(['NoQuorum', 'Timeout']).toContain(await codeOf(put(leader, '/lost', 'x')));
    expect(await codeOf(leader.barrier())).toBe('NoQuorum');
    expect(performance.now() - started).toBeLessThan(5_000);
    await until('it is known', () => !leader.status().quorum && leader.leadership.leader === undefined);
    expect(leader.leadership.isLeader).toBe(false);
    expect(text(leader.get('/a')?.value)).toBe('x');
    await etcd.restart();
    const next = await cluster.leader();
    expect(next.leadership.term).toBeGreaterThanOrEqual(term);
    await put(next, '/b', 'y');
    for (const replica of cluster.replicas.values()) {
      await replica.barrier();
      expect(text(replica.get('/b')?.value)).toBe('y');
    }
    expect(seen.filter((key) => key !== '/lost')).toEqual(['/a', '/b']);
  });

  it('compacted while a replica is away: it is read anew, watchers that missed something learn it, new ones go on', async () => {
    await cluster.openAll();
    const away = cluster.replicas.get('m3')!;
    const other = cluster.replicas.get('m1')!;
    await put(other, '/kept', '0');
    await put(other, '/gone', '0');
    await away.barrier();
    const lost: StorageError[] = [];
    away.watch({ start: '/', end: '0', onLost: (error) => lost.push(error) }, () => undefined);
    away.partition(['m1', 'm2'], 'both');
    for (let i = 1; i <= 5; i++) await put(other, '/kept', String(i));
    await other.txn({ compare: [], success: [{ type: 'delete', key: '/gone' }] });
    const { revision } = await put(other, '/new', 'x');
    await etcd.ctl(['compact', String(revision)]);
    away.partition([], 'both');
    await until('the watcher has learnt it', () => lost.length === 1);
    expect(lost[0]?.code).toBe('Compacted');
    await away.barrier();
    expect(away.range({ start: '/', end: '0' }).keyValues).toEqual(
      other.range({ start: '/', end: '0' }).keyValues,
    );
    const seen: string[] = [];
    away.watch({ start: '/', end: '0' }, (events) =>
      seen.push(...events.map(({ keyValue }) => keyValue.key)),
    );
    await put(other, '/after', 'x');
    await away.barrier();
    expect(seen).toEqual(['/after']);
    expect(away.externalMetrics().reloads).toBe(1);
  });

  it('takes the lease of the leader away: another one leads, and the old one’s writes are refused', async () => {
    await cluster.openAll();
    const leader = await cluster.leader();
    const { term } = leader.leadership;
    const name = leader.status().name;
    const leases = await etcd.ctl(['get', `/trireme/election/${leader.status().memberId}`, '-w', 'json']);
    const { kvs } = JSON.parse(leases) as { readonly kvs: readonly { readonly lease: number }[] };
    await etcd.ctl(['lease', 'revoke', kvs[0]!.lease.toString(16)]);
    await until('another one leads', () => leader.leadership.leader !== name);
    expect(leader.leadership.term).toBeGreaterThan(term);
    expect(await codeOf(put(leader, '/late', 'x', term))).toBe('Fenced');
    // It stands again, under a new lease, behind the others.
    await leader.transferLeadership(name);
    expect((await cluster.leader()).status().name).toBe(name);
  });

  it('gives its history back to a replica that was away: watches go on from before', async () => {
    await cluster.openAll();
    const leader = await cluster.leader();
    const name = leader.status().name;
    const { revision } = await put(leader, '/a', '1');
    await put(leader, '/a', '2');
    await cluster.close(name);
    const again = await cluster.open(name);
    expect(text(again.range({ start: '/a', revision }).keyValues[0]?.value)).toBe('1');
    const seen: string[] = [];
    again.watch({ start: '/a', fromRevision: revision }, (events) =>
      seen.push(...events.map(({ keyValue }) => text(keyValue.value) ?? '')),
    );
    await put(again, '/a', '3');
    expect(seen).toEqual(['1', '2', '3']);
  });

  it('is compacted by the leader to where it stood an interval ago', async () => {
    const compacted = new ExternalCluster(`etcd://${etcd.hosts}`, 1, { compactEveryMs: 600 });
    const replica = await compacted.open('m1');
    const { revision } = await put(replica, '/a', 'x');
    while (replica.externalMetrics().compactions < 2) await put(replica, '/b', 'x');
    await expect(etcd.ctl(['get', '/', `--rev=${revision - 1}`])).rejects.toThrow(/compacted/);
    expect(text(replica.get('/a')?.value)).toBe('x');
    await compacted.destroy();
  });

  it('with data of another cluster, or another process as the same member, is refused', async () => {
    const first = await cluster.open('m1');
    await expect(cluster.open('m2', { clusterId: 'other' })).rejects.toThrow(
      /belong to another cluster: .*test.*, not other\. Choose another prefix/,
    );
    const usurper = new ExternalCluster(`etcd://${etcd.hosts}`, 3);
    await usurper.open('m1');
    await until('the first one ends', () => cluster.fatals.length > 0);
    expect(cluster.fatals[0]?.message).toMatch(/another process runs as member 1/);
    expect(await codeOf(put(first, '/a', 'x'))).toBe('Stopped');
    await usurper.destroy();
  });

  it('with users lets in who has a password, and says so to others', async () => {
    await etcd.ctl(['user', 'add', 'root:secret']);
    await etcd.ctl(['user', 'grant-role', 'root', 'root']);
    await etcd.ctl(['auth', 'enable']);
    const user = { name: 'root', password: 'secret' };
    await expect(cluster.open('m1')).rejects.toThrow(/does not let this master in: .*user name is empty/);
    const wrong = cluster.open('m1', { user: { ...user, password: 'wrong' } });
    await expect(wrong).rejects.toThrow(/does not let this master in: .*authentication failed/);
    const replica = await cluster.open('m1', { user });
    await put(replica, '/a', 'x');
    // Tokens die with the member that gave them.
    await etcd.kill();
    await etcd.restart();
    await until('a write goes through', () => replica.status().quorum);
    await put(replica, '/a', 'y');
    expect(text(replica.get('/a')?.value)).toBe('y');
  });
});

describe('an etcd of three members', () => {
  it('one of them down, the one in use or its leader: nothing that was acknowledged is lost, watches go on', async () => {
    etcd = await TestEtcd.start({ members: 3 });
    cluster = new ExternalCluster(`etcd://${etcd.hosts}`, 2, { noLeaderPatienceMs: 6_000 });
    await cluster.openAll();
    const writer = cluster.replicas.get('m1')!;
    const watcher = cluster.replicas.get('m2')!;
    const seen: string[] = [];
    watcher.watch({ start: '/k/', end: '/k0' }, (events) =>
      seen.push(...events.map(({ keyValue }) => keyValue.key)),
    );
    const acknowledged: string[] = [];
    const write = async (key: string): Promise<void> => {
      if ((await codeOf(put(writer, key, 'x'))) === 'resolved') acknowledged.push(key);
    };
    // They may be the same one: keys are told apart by the round.
    for (const [round, victim] of [0, await etcd.leaderIndex()].entries()) {
      const killed = etcd.kill(victim);
      for (let i = 0; i < 40; i++) await write(`/k/${round}-${i}`);
      await killed;
      await etcd.restart(victim);
    }
    await write('/k/last');
    await watcher.barrier();
    expect(acknowledged.length).toBeGreaterThan(60);
    for (const key of acknowledged) expect(watcher.get(key)?.version).toBe(1);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(acknowledged));
  });
});

describe('an etcd over TLS, and none at all', () => {
  it('is used with its authority and a certificate of our own; other certificates are named as the fault', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'trireme-etcd-tls-'));
    const all = await createPeerTls(['localhost', 'client']);
    const [server, client] = [all.get('localhost')!, all.get('client')!];
    const file = (name: string, content: string): string => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    etcd = await TestEtcd.start({
      secure: true,
      args: [
        `--cert-file=${file('server.crt', server.certificate)}`,
        `--key-file=${file('server.key', server.privateKey)}`,
        `--trusted-ca-file=${file('ca.crt', server.ca)}`,
        '--client-cert-auth',
      ],
    });
    const url = `etcds://${etcd.hosts.replace('127.0.0.1', 'localhost')}`;
    cluster = new ExternalCluster(url, 1, { startPatienceMs: 1_500 });
    const { ca: wrongCa } = (await createPeerTls(['other'])).get('other')!;
    await expect(cluster.open('m1', { tls: { ...client, ca: wrongCa } })).rejects.toThrow(
      /no TLS with etcd .*Check the storage's CA/,
    );
    await expect(cluster.open('m1', { tls: { ca: client.ca } })).rejects.toThrow(/etcd at localhost:\d+/);
    const plain = new ExternalCluster(url.replace('etcds', 'etcd'), 1, { startPatienceMs: 1_500 });
    await expect(plain.open('m1')).rejects.toThrow(/use etcds:/);
    const replica = await cluster.open('m1', { tls: client });
    await put(replica, '/a', 'x');
    expect(text(replica.get('/a')?.value)).toBe('x');
    rmSync(directory, { recursive: true });
  });

  it('away at the start: the error says where it was looked for', async () => {
    etcd = await TestEtcd.start();
    const [port] = await freePorts(1);
    cluster = new ExternalCluster(`etcd://127.0.0.1:${port}`, 1);
    const options = { name: 'm1', memberId: 1, clusterId: 'test', members: [{ id: 1, name: 'm1' }] };
    const opening = openExternal({
      ...options,
      url: cluster.url,
      startPatienceMs: 300,
      onFatal: () => undefined,
    });
    await expect(opening).rejects.toThrow(
      new RegExp(`etcd cannot be reached at 127\\.0\\.0\\.1:${port}: .*ECONNREFUSED.*Start it, or correct`),
    );
  });
});
