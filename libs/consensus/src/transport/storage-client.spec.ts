import { afterEach, describe, expect, it } from 'vitest';
import { createPeerTls, TestCluster, until } from '../testing/cluster.js';
import type { PeerTls } from './handshake.js';
import { openStorageClient } from './open-storage-client.js';
import type { StorageClient } from './storage-client.js';

let cluster: TestCluster;
const clients: StorageClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await cluster.destroy();
});

const memberNamed = (name: string) => cluster.members.find((member) => member.name === name)!;

async function connect(
  order: readonly string[],
  overrides: { readonly tls?: PeerTls; readonly timeoutMs?: number } = {},
): Promise<StorageClient> {
  const client = await openStorageClient({
    clusterId: 'test',
    members: order.map(memberNamed),
    self: memberNamed('m1'),
    tls: cluster.tls.get('m1')!,
    ...overrides,
  });
  clients.push(client);
  return client;
}

const put = (key: string, value: string) => ({
  compare: [],
  success: [{ type: 'put' as const, key, value: Buffer.from(value) }],
});

describe('a client of the peer port', () => {
  it('writes and reads at any replica, and each read holds what was acknowledged anywhere before', async () => {
    cluster = await TestCluster.create(3);
    await cluster.openAll();
    await cluster.leader();
    const all = await Promise.all(['m1', 'm2', 'm3'].map((name) => connect([name])));
    for (const [i, writer] of all.entries()) {
      const { succeeded, revision } = await writer.txn(put('/a', `by ${i}`));
      expect(succeeded).toBe(true);
      for (const reader of all) {
        const found = await reader.get('/a');
        expect(found && Buffer.from(found.value).toString()).toBe(`by ${i}`);
        expect(found?.modRevision).toBe(revision);
      }
    }
    expect(await all[0]?.get('/none')).toBeUndefined();
    const taken = {
      ...put('/a', 'never'),
      compare: [{ key: '/a', target: 'version' as const, operator: '=' as const, operand: 0 }],
    };
    expect((await all[1]?.txn(taken))?.succeeded).toBe(false);
  }, 60_000);

  it('goes on at another replica when its own stops, and nothing is applied twice', async () => {
    cluster = await TestCluster.create(3);
    await cluster.openAll();
    const name = cluster.nameOf(await cluster.leader());
    const client = await connect([name, ...['m1', 'm2', 'm3'].filter((other) => other !== name)]);
    let acknowledged = 0;
    let stopped: Promise<void> | undefined;
    for (let round = 0; round < 60; round++) {
      if (round === 20) stopped = cluster.close(name);
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          await client.txn(put('/counter', 'x'));
          acknowledged++;
        }),
      );
    }
    await stopped;
    await stopped;
    const [replica] = cluster.replicas.values();
    await replica?.barrier();
    expect(acknowledged).toBe(480);
    expect(replica?.get('/counter')?.version).toBe(acknowledged);
  }, 60_000);

  it('goes on under another identity when the group has forgotten its own', async () => {
    cluster = await TestCluster.create(1);
    await cluster.openAll();
    await cluster.leader();
    const idle = await connect(['m1']);
    await idle.txn(put('/a', 'first'));
    // More sessions than a group remembers: the oldest goes.
    for (let i = 0; i < 66; i++) {
      const other = await connect(['m1']);
      await other.txn(put('/b', 'x'));
      other.close();
    }
    await idle.txn(put('/a', 'second'));
    expect(cluster.get('m1').get('/a')?.version).toBe(2);
    idle.close();
    await until('no connection is left', () => !process.getActiveResourcesInfo().includes('TCPSocketWrap'));
  }, 60_000);

  it('gets in by the certificate of a member alone', async () => {
    cluster = await TestCluster.create(1);
    await cluster.openAll();
    await cluster.leader();
    const stranger = (await createPeerTls(['m1'])).get('m1')!;
    const foreign = await connect(['m1'], { tls: stranger, timeoutMs: 600 });
    const nobody = await openStorageClient({
      clusterId: 'test',
      members: cluster.members,
      self: { id: 77, name: 'm1', host: '', port: 0 },
      tls: cluster.tls.get('m1')!,
      timeoutMs: 600,
    });
    clients.push(nobody);
    await expect(foreign.get('/a')).rejects.toThrow('no replica answered');
    await expect(nobody.txn(put('/a', 'b'))).rejects.toThrow('no replica answered');
    expect(cluster.warnings.join()).toContain('a client must show the certificate of a member');
    expect(cluster.get('m1').get('/a')).toBeUndefined();
  }, 60_000);
});
