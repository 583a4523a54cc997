import { mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openReplica } from '../replica/open-replica.js';
import type { Replica } from '../replica/port.js';
import { TestCluster, freePorts, until } from '../testing/cluster.js';
import { BackupError, readBackup, verifyBackup } from './backup-file.js';
import { restoreBackup } from './restore.js';

let cluster: TestCluster;
const restored: Replica[] = [];
afterEach(async () => {
  await Promise.all(restored.splice(0).map((replica) => replica.close()));
  await cluster.destroy();
  expect(cluster.fatals).toEqual([]);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (replica: Replica, key: string, value: string): Promise<unknown> =>
  replica.txn({ compare: [], success: [{ type: 'put', key, value: bytes(value) }] });

function save(replica: Replica, name = 'backup'): string {
  const path = join(cluster.directory, name);
  writeFileSync(path, Buffer.concat([...replica.backup().bytes]));
  return path;
}

async function alone(): Promise<Replica> {
  cluster = await TestCluster.create(1);
  const only = await cluster.open('m1');
  await cluster.leader();
  return only;
}

/** The members of the test cluster's names as a new cluster made of a file. */
async function restoreAll(backup: string, addRevisions = 1_000_000): Promise<Replica[]> {
  const ports = await freePorts(cluster.members.length);
  const members = cluster.members.map((member, i) => ({ ...member, port: ports[i] as number }));
  const directory = (name: string): string => join(cluster.directory, 'anew', name);
  const targets = members.map(({ id, name }) => ({ memberId: id, dataDir: directory(name) }));
  await restoreBackup({ backup, clusterId: 'anew', members, targets, addRevisions });
  const opened = await Promise.all(
    members.map(({ id, name, host, port }) =>
      openReplica({
        ...cluster.options(name),
        clusterId: 'anew',
        memberId: id,
        members,
        dataDir: directory(name),
        listen: { host, port },
      }),
    ),
  );
  restored.push(...opened);
  return opened;
}

describe('a backup', () => {
  it('of a group under load becomes a group of its own, whose revisions go on above any that were given', async () => {
    cluster = await TestCluster.create(3);
    await cluster.openAll();
    const follower = await cluster.follower();
    for (let i = 0; i < 50; i++) await put(follower, `/before/${i}`, `${i}`);
    await follower.etcdSpace.txn({
      type: 'txn',
      compare: [],
      success: [{ type: 'put', key: 'e', value: bytes('x') }],
      failure: [],
    });
    const load = { goesOn: true };
    const writer = (async () => {
      for (let i = 0; load.goesOn; i++) await put(follower, `/during/${i}`, `${i}`);
    })();
    await follower.barrier();
    const path = save(follower);
    const info = await verifyBackup(path);
    load.goesOn = false;
    await writer;
    expect(info).toMatchObject({ clusterId: 'test', member: cluster.nameOf(follower), etcdKeyCount: 1 });
    const seen = follower.revision;

    const anew = await restoreAll(path);
    await until('a leader', () => anew.some(({ leadership }) => leadership.isLeader));
    const one = anew.find(({ leadership }) => !leadership.isLeader) as Replica;
    await put(one, '/after', 'x');
    expect(one.get('/after')?.modRevision).toBe(info.revision + 1_000_001);
    expect(one.get('/after')?.modRevision).toBeGreaterThan(seen);
    expect(one.range({ start: '/before/', end: '/before0' }).keyValues).toHaveLength(50);
    expect(one.etcdSpace.keyCount).toBe(1);
    expect(one.status()).toMatchObject({ clusterId: 'anew', alarms: [] });
    for (const from of [seen, seen + 1, info.revision + 1]) {
      const watch = (): unknown =>
        one.watch({ start: '/', end: '0', fromRevision: from as typeof seen }, () => undefined);
      expect(watch).toThrow('compacted');
    }
    await until('all hold the same', () => anew.every(({ revision }) => revision === one.revision));
  }, 60_000);

  it('is refused when any bit of it has changed, when it is cut short, and when it is none', async () => {
    const only = await alone();
    for (let i = 0; i < 20; i++) await put(only, `/k/${i}`, 'value');
    const whole = readFileSync(save(only));
    const path = join(cluster.directory, 'damaged');
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length * 8 - 1), async (bit) => {
        const damaged = Buffer.from(whole);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        writeFileSync(path, damaged);
        await expect(verifyBackup(path)).rejects.toThrow(BackupError);
      }),
      { numRuns: 300, seed: 4 },
    );
    for (const length of [0, 7, 40, whole.length >> 1, whole.length - 32, whole.length - 1]) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      await expect(verifyBackup(path), `${length} bytes`).rejects.toThrow(BackupError);
    }
    writeFileSync(path, 'apiVersion: v1\n'.repeat(100));
    await expect(verifyBackup(path)).rejects.toThrow(`${path} is no backup`);
    expect(Buffer.concat([...readBackup(save(only))]).length).toBeGreaterThan(100);
  }, 30_000);

  it('makes no cluster of the same id, touches no directory in use, and writes nothing when it does not hold', async () => {
    const only = await alone();
    await put(only, '/a', 'x');
    const backup = save(only);
    const dataDir = join(cluster.directory, 'anew', 'm1');
    const options = {
      backup,
      clusterId: 'anew',
      members: cluster.members,
      targets: [{ memberId: 1, dataDir }],
    };
    await expect(restoreBackup({ ...options, clusterId: 'test' })).rejects.toThrow('an id of its own');
    const used = [{ memberId: 1, dataDir: join(cluster.directory, 'm1') }];
    await expect(restoreBackup({ ...options, targets: used })).rejects.toMatchObject({ code: 'Foreign' });
    const cut = join(cluster.directory, 'cut');
    writeFileSync(cut, readFileSync(backup).subarray(0, -9));
    await expect(restoreBackup({ ...options, backup: cut })).rejects.toThrow('cut short');
    expect(readdirSync(cluster.directory)).not.toContain('anew');
    // A restore that was interrupted before the directory became a member's is simply done again.
    mkdirSync(join(dataDir, 'snap'), { recursive: true });
    writeFileSync(join(dataDir, 'snap', 'half.snap.tmp'), 'x');
    expect((await restoreBackup(options)).keyCount).toBe(1);
    expect(readdirSync(join(dataDir, 'snap'))).toHaveLength(1);
  }, 30_000);
});
