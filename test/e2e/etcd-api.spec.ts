import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster, eventually } from './support/cluster.js';
import { Etcdctl } from './support/etcdctl.js';

let cluster: TestCluster;
let etcd: Etcdctl;

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'etcd-api', nodes: 0, args: ['--etcd-listen', '127.0.0.1:0'] });
  etcd = await Etcdctl.of(cluster);
});
afterAll(async () => cluster.dispose());

interface Found {
  readonly header: { readonly revision: number; readonly member_id: number; readonly raft_term: number };
  readonly kvs?: readonly { readonly key: string; readonly mod_revision: number; readonly version: number }[];
  readonly count?: number;
  readonly more?: boolean;
}
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe('keys, with the real etcdctl', () => {
  it('are put, read on every member, and deleted', async () => {
    expect(await etcd.run(['put', 'kv/a', 'one'])).toBe('OK');
    expect(lines(await etcd.run(['put', 'kv/a', 'two', '--prev-kv']))).toEqual(['OK', 'kv/a', 'one']);
    for (const endpoint of Object.values(etcd.endpoints)) {
      expect(lines(await etcd.run(['get', 'kv/a'], { endpoints: endpoint }))).toEqual(['kv/a', 'two']);
    }
    expect(lines(await etcd.run(['del', 'kv/a', '--prev-kv']))).toEqual(['1', 'kv/a', 'two']);
    expect(await etcd.run(['get', 'kv/a'])).toBe('');
  });

  it('are read by prefix, range, limit, order, revision, keys alone and consistency', async () => {
    for (const key of ['r/3', 'r/1', 'r/2']) await etcd.run(['put', key, `v${key}`]);
    const keys = async (...args: string[]): Promise<string[]> =>
      lines(await etcd.run(['get', ...args, '--keys-only']));
    expect(await keys('r/', '--prefix')).toEqual(['r/1', 'r/2', 'r/3']);
    expect(await keys('r/1', 'r/3')).toEqual(['r/1', 'r/2']);
    expect(await keys('r/2', '--from-key', '--limit=2')).toEqual(['r/2', 'r/3']);
    expect(await keys('r/', '--prefix', '--sort-by=MODIFY')).toEqual(['r/3', 'r/1', 'r/2']);
    expect(await keys('r/', '--prefix', '--order=DESCEND', '--limit=1')).toEqual(['r/3']);
    expect(await etcd.run(['get', 'r/1', '--print-value-only', '--consistency=s'])).toBe('vr/1');
    const first = await etcd.json<Found>(['get', 'r/3']);
    await etcd.run(['put', 'r/3', 'new']);
    const past = ['get', 'r/3', '--print-value-only', `--rev=${first.header.revision}`];
    expect(await etcd.run(past)).toBe('vr/3');
    const cut = await etcd.json<Found>(['get', 'r/', '--prefix', '--limit=1']);
    expect([cut.count, cut.more, cut.kvs?.length]).toEqual([3, true, 1]);
  });

  it('are compared and written in transactions', async () => {
    await etcd.run(['put', 't', '1']);
    const txn = 'value("t") = "1"\nmod("t") > "0"\nver("none") = "0"\n\nput t 2\nget t\n\nput never 1\n\n';
    expect(lines(await etcd.run(['txn'], { input: txn }))).toEqual(['SUCCESS', 'OK', 't', '2']);
    expect(lines(await etcd.run(['txn'], { input: txn }))).toEqual(['FAILURE', 'OK']);
    const twice = await etcd.try(['txn'], { input: '\nput t 1\nput t 2\n\n\n' });
    expect(twice.stderr).toContain('etcdserver: duplicate key given in txn request');
  });

  it('lose their past by compaction, with etcd’s own errors', async () => {
    await etcd.run(['put', 'c', '1']);
    const { header } = await etcd.json<Found>(['get', 'c']);
    await etcd.run(['put', 'c', '2']);
    await etcd.run(['compaction', String(header.revision + 1)]);
    const errorOf = async (...args: string[]): Promise<string> => (await etcd.try(args)).stderr;
    const compacted = 'etcdserver: mvcc: required revision has been compacted';
    expect(await errorOf('get', 'c', `--rev=${header.revision}`)).toContain(compacted);
    expect(await errorOf('compaction', String(header.revision))).toContain(compacted);
    expect(await errorOf('get', 'c', '--rev=999999')).toContain('required revision is a future revision');
    expect(await errorOf('put', '', 'x')).toContain('etcdserver: key is not provided');
    expect(await errorOf('put', 'x', 'x', '--lease=123')).toContain('etcdserver: requested lease not found');
    expect(await errorOf('put', 'none', '--ignore-value')).toContain('etcdserver: key not found');
    const watch = await etcd.try(['watch', 'c', `--rev=${header.revision}`], { timeoutMs: 10_000 });
    expect(watch.stderr).toContain(compacted);
  });
});

describe('watches', () => {
  it('replay the past, go on live, and show what was before', async () => {
    const { header } = await etcd.json<Found>(['put', 'w/1', 'old']);
    const watch = etcd.start(['watch', 'w/', '--prefix', '--prev-kv', `--rev=${header.revision}`]);
    await watch.prints(/PUT\nw\/1\nold\n/);
    await etcd.run(['put', 'w/1', 'new']);
    await etcd.run(['del', 'w/1']);
    await watch.prints(/PUT\nw\/1\nold\nw\/1\nnew\n[^]*DELETE\nw\/1\nnew\nw\/1\n/);
    await watch.kill('SIGINT');
  });

  it('say how far they are when asked, on one stream with others', async () => {
    const watch = etcd.start(['watch', '--interactive'], 'watch idle\nwatch other --prefix\nprogress\n');
    await watch.prints(/progress notify: \d+/);
    await etcd.run(['put', 'other/1', 'x']);
    await watch.prints(/PUT\nother\/1\nx\n/);
    await watch.kill('SIGINT');
  });
});

describe('leases', () => {
  it('are granted, kept, listed, and end with their keys', async () => {
    const granted = /lease ([0-9a-f]{16}) granted/.exec(await etcd.run(['lease', 'grant', '60']))?.[1] ?? '';
    await etcd.run(['put', 'leased', 'x', `--lease=${granted}`]);
    expect(await etcd.run(['lease', 'timetolive', granted, '--keys'])).toMatch(
      /TTL\(60s\), remaining\(\d+s\), attached keys\(\[leased\]\)/,
    );
    expect(await etcd.run(['lease', 'list'])).toContain(granted);
    expect(await etcd.run(['lease', 'keep-alive', '--once', granted])).toContain('keepalived with TTL(60)');
    expect(await etcd.run(['lease', 'revoke', granted])).toContain('revoked');
    expect(await etcd.run(['get', 'leased'])).toBe('');
    expect((await etcd.try(['lease', 'revoke', granted])).stderr).toContain('requested lease not found');
  });

  it('that nobody keeps end by themselves', async () => {
    const granted = /lease ([0-9a-f]{16}) granted/.exec(await etcd.run(['lease', 'grant', '1']))?.[1] ?? '';
    await etcd.run(['put', 'short', 'x', `--lease=${granted}`]);
    await eventually('the key goes', async () => (await etcd.run(['get', 'short'])) === '');
    expect(await etcd.run(['lease', 'timetolive', granted])).toContain('already expired');
  });
});

describe('locks and elections', () => {
  it('run a command under a lock, one at a time', async () => {
    const held = etcd.start(['lock', 'door']);
    await held.prints(/door\//);
    const second = etcd.start(['lock', 'door', 'echo', 'entered']);
    await eventually('the second waits', async () => {
      const { count } = await etcd.json<Found>(['get', 'door', '--prefix']);
      return count === 2;
    });
    expect(second.stdout).toBe('');
    await held.kill('SIGINT');
    expect((await second.ended()).stdout).toBe('entered\n');
  });

  it('elect one, and tell its name', async () => {
    const candidate = etcd.start(['elect', 'throne', 'anne']);
    await candidate.prints(/throne\/[^]*anne/);
    const observer = etcd.start(['elect', '--listen', 'throne']);
    await observer.prints(/anne/);
    await observer.kill('SIGINT');
    await candidate.kill('SIGINT');
  });
});

describe('members and maintenance', () => {
  it('are shown as etcd shows them', async () => {
    const members = lines(await etcd.run(['member', 'list']));
    expect(members.map((line) => line.split(', ')[2])).toEqual(Object.keys(etcd.endpoints));
    const statuses = await etcd.json<
      readonly { readonly Status: { readonly leader: number; readonly version: string } }[]
    >(['endpoint', 'status']);
    expect(new Set(statuses.map(({ Status }) => Status.leader)).size).toBe(1);
    expect(statuses.map(({ Status }) => Status.version)).toEqual(['3.6.0', '3.6.0', '3.6.0']);
    const health = await etcd.try(['endpoint', 'health', '--cluster']);
    expect(health.stdout + health.stderr).toMatch(/(is healthy[^]*){3}/);
    const hashes = lines(await etcd.run(['endpoint', 'hashkv', '--cluster'])).map(
      (line) => line.split(', ')[1],
    );
    expect(new Set(hashes).size).toBe(1);
    expect(await etcd.run(['alarm', 'list'])).toBe('');
    expect(await etcd.run(['alarm', 'disarm'])).toBe('');
    expect(lines(await etcd.run(['defrag']))).toHaveLength(3);
  });

  it('are added, moved and removed; who has not caught up is not promoted', async () => {
    const add = ['member', 'add', 'm4', '--learner', '--peer-urls=https://127.0.0.1:1'];
    expect(await etcd.run(add)).toMatch(/^Member +4 added to cluster/);
    expect((await etcd.try(add)).stderr).toMatch(/Peer URLs already exists/);
    expect((await etcd.try(['member', 'promote', '4'])).stderr).toMatch(/in sync with leader/);
    await etcd.run(['member', 'update', '4', '--peer-urls=https://127.0.0.1:2']);
    expect(await etcd.run(['member', 'list'])).toMatch(/^4, started, m4, https:\/\/127\.0\.0\.1:2, .*true$/m);
    expect(await etcd.run(['member', 'remove', '4'])).toMatch(/^Member +4 removed from cluster/);
    expect(lines(await etcd.run(['member', 'list']))).toHaveLength(3);
  });

  it('move the leader', async () => {
    const leader = await cluster.leader();
    const target = (await cluster.status()).members.find(({ name }) => name !== leader.name)!;
    const endpoints = etcd.endpoints[leader.name];
    const said = await etcd.run(['move-leader', target.id.toString(16)], { endpoints });
    expect(said).toContain('Leadership transferred');
    await eventually('the target leads', async () => (await cluster.leader()).name === target.name);
  });

  it('save a snapshot with a checksum, in our own format', async () => {
    const file = join(cluster.directory, 'snapshot.db');
    const [endpoints] = Object.values(etcd.endpoints);
    await etcd.run(['snapshot', 'save', file], { endpoints });
    expect(statSync(file).size % 512).toBe(32);
    expect(readFileSync(file).includes('trireme-mvcc-space')).toBe(true);
  });

  it('mirror a prefix to another, with the real make-mirror', async () => {
    await etcd.run(['put', 'from/a', '1']);
    const { ca, certificate, key } = etcd.certificates;
    const destination = Object.values(etcd.endpoints)[1]!.replace('https://', '');
    const tls = [`--dest-cacert=${ca}`, `--dest-cert=${certificate}`, `--dest-key=${key}`];
    const mirror = etcd.start([
      'make-mirror',
      '--prefix=from/',
      '--dest-prefix=to/',
      '--dest-insecure-transport=false',
      ...tls,
      destination,
    ]);
    await eventually('what was there', async () => (await etcd.run(['get', 'to/a'])).endsWith('1'));
    await etcd.run(['put', 'from/b', '2']);
    await eventually('what comes', async () => (await etcd.run(['get', 'to/b'])).endsWith('2'));
    await mirror.kill('SIGINT');
  });
});

describe('who is let in', () => {
  it('nobody without a certificate of the etcd authority; and nothing of the API server is behind it', async () => {
    const pki = join(cluster.dataDir, 'pki');
    const admin = [`--cert=${join(pki, 'admin.crt')}`, `--key=${join(pki, 'admin.key')}`];
    const refused = await etcd.try(['get', 'kv/a', ...admin, '--command-timeout=3s'], { timeoutMs: 20_000 });
    expect(refused.code).not.toBe(0);
    await cluster.kubectl(['create', 'configmap', 'unseen', '--from-literal=secret=treasure']);
    expect(await etcd.run(['get', '', '--prefix'])).not.toMatch(/treasure|unseen/);
    expect((await etcd.try(['auth', 'enable'])).stderr).toContain('there are no users here');
  });

  it('goes on over the death of the leader, losing nothing', async () => {
    await etcd.run(['put', 'durable', 'before']);
    const leader = await cluster.leader();
    process.kill(leader.pid!, 'SIGKILL');
    const rest = Object.entries(etcd.endpoints).filter(([name]) => name !== leader.name);
    const endpoints = rest.map(([, url]) => url).join();
    await etcd.run(['put', 'durable/2', 'after', '--command-timeout=15s'], { endpoints });
    expect(await etcd.run(['get', 'durable', '--print-value-only'], { endpoints })).toBe('before');
  });
});
