import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Api, type ApiList, type ApiObject, configMap } from './support/api.js';
import { type ClusterStatus, eventually, TestCluster } from './support/cluster.js';
import { Program } from './support/program.js';
import { expectNothingLost, SequenceWriters } from './support/sequence-writer.js';
import { SteadyClients } from './support/steady-clients.js';

/** Faults of real processes under load: what was acknowledged stands, once; the cluster goes on, and heals. */

const configMaps = '/api/v1/namespaces/default/configmaps';
/** As many pods as three nodes hold beside the rest. */
const burst = 200;
const kubectlPath = fileURLToPath(new URL('../../.tools/bin/kubectl', import.meta.url));
type Member = ClusterStatus['members'][number];

let cluster: TestCluster;
const apis: Api[] = [];

beforeAll(async () => {
  cluster = await TestCluster.start();
  await cluster.kubectl(['create', 'deployment', 'web', '--image=example/web:1', '--replicas=3']);
  await deploymentIsWhole();
});

afterEach(() => {
  for (const api of apis.splice(0)) api.close();
});

afterAll(async () => {
  await cluster.dispose();
});

function api(server?: string): Api {
  const client = Api.of(cluster, server === undefined ? {} : { server });
  apis.push(client);
  return client;
}

async function deploymentIsWhole(): Promise<void> {
  await eventually('three replicas are ready', async () => {
    const ready = await cluster.kubectl([
      'get',
      'deployment',
      'web',
      '-o',
      'jsonpath={.status.readyReplicas}',
    ]);
    return ready === '3';
  });
}

/** The controllers work: they replace a pod, with a name that was not there before. */
async function controllersGoOn(): Promise<void> {
  const pods = async (): Promise<string[]> =>
    (await cluster.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'name']))
      .split('\n')
      .filter((name) => name !== '');
  const before = await pods();
  await cluster.kubectl(['delete', before[0]!, '--wait=false']);
  await eventually('the pod is replaced', async () => {
    const after = await pods();
    return after.length === 3 && after.some((name) => !before.includes(name));
  });
  await deploymentIsWhole();
}

/** All members run, agree on one leader and have applied the same. */
async function healed(): Promise<ClusterStatus> {
  return eventually('all members have caught up', async () => {
    const status = await cluster.status();
    const applied = Math.max(...status.members.map((member) => member.appliedIndex));
    const whole = status.members.every((member) => member.healthy && applied - member.appliedIndex < 20);
    return status.leader !== undefined && whole && status;
  });
}

/** Every member, asked alone from its own memory, holds the object. */
async function everyMemberHolds(path: string, data: Readonly<Record<string, string>>): Promise<void> {
  for (const { apiServer } of (await cluster.status()).members) {
    await eventually(`${apiServer} holds ${path}`, async () => {
      const reply = await api(apiServer).call<ApiObject>('GET', `${path}?resourceVersion=0`);
      return reply.status === 200 && reply.body.data?.['a'] === data['a'];
    });
  }
}

async function member(role: 'leader' | 'follower'): Promise<Member> {
  return eventually(`a ${role}`, async () =>
    (await cluster.status()).members.find((each) => each.role === role && each.healthy),
  );
}

describe('kill -9 under load', () => {
  it('of the leader: another leads, nothing is lost, the dead one comes back and catches up', async () => {
    const writers = new SequenceWriters(cluster, 'leader');
    await writers.progress();
    const leader = await member('leader');
    process.kill(leader.pid!, 'SIGKILL');
    await writers.progress();
    const now = await healed();
    expect(now.leader).not.toBe(leader.name);
    expect(now.members.find(({ name }) => name === leader.name)?.pid).not.toBe(leader.pid);
    expectNothingLost(await writers.verdict());
    await controllersGoOn();
  });

  it('of a follower: writes go on in the same term, it comes back and catches up', async () => {
    const { term } = await cluster.status();
    const writers = new SequenceWriters(cluster, 'follower');
    await writers.progress();
    const follower = await member('follower');
    process.kill(follower.pid!, 'SIGKILL');
    await writers.progress();
    expect((await healed()).term).toBe(term);
    expectNothingLost(await writers.verdict(follower.apiServer));
  });

  it('of all three at once: the store is as it was acknowledged', async () => {
    const writers = new SequenceWriters(cluster, 'all');
    await writers.progress();
    const before = await cluster.status();
    for (const { pid } of before.members) process.kill(pid!, 'SIGKILL');
    await writers.progress();
    const after = await healed();
    expect(after.term).toBeGreaterThan(before.term);
    expectNothingLost(await writers.verdict());
    await controllersGoOn();
  });
});

describe('a leader that loses touch', () => {
  it('paused for 10 s amid its controllers’ work: the others go on, its late writes are refused when it wakes', async () => {
    await cluster.kubectl(['create', 'deployment', 'burst', '--image=example/web:1', '--replicas=0']);
    const before = await cluster.status();
    const leader = await member('leader');
    const other = before.members.find(({ name }) => name !== leader.name)!;
    const watch = new Program(
      kubectlPath,
      ['--server', other.apiServer, 'get', 'pods', '-l', 'app=burst', '-w', '-o', 'name'],
      { KUBECONFIG: cluster.kubeconfig, HOME: cluster.directory },
    );
    const scale = '/apis/apps/v1/namespaces/default/deployments/burst/scale';
    const scaled = await api(leader.apiServer).call('PATCH', scale, {
      body: { spec: { replicas: burst } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    // The moment the first pod is there, its ReplicaSet controller has the next dozens in hand.
    const pods = '/api/v1/namespaces/default/pods?labelSelector=app%3Dburst&resourceVersion=0&limit=1';
    const observer = api(other.apiServer);
    while ((await observer.call<ApiList>('GET', pods)).body.items.length === 0);
    process.kill(leader.pid!, 'SIGSTOP');
    const resumeAt = Date.now() + 10_000;
    expect(scaled.status, scaled.text).toBe(200);
    const ready = async (): Promise<string> =>
      cluster.kubectl(['get', 'deployment', 'burst', '-o', 'jsonpath={.status.readyReplicas}']);
    await eventually(
      'the others’ controllers finish the work',
      async () => (await ready()) === String(burst),
    );
    await eventually('ten seconds have passed', async () => Date.now() >= resumeAt);
    process.kill(leader.pid!, 'SIGCONT');
    const after = await healed();
    expect(after.term).toBeGreaterThan(before.term);
    expect(after.leader).not.toBe(leader.name);
    expect(after.members.find(({ name }) => name === leader.name)).toMatchObject({
      pid: leader.pid,
      role: 'follower',
    });
    await controllersGoOn();
    // Whatever it had in hand is refused: no pod beyond those wanted was ever created.
    await watch.kill();
    const created = new Set(watch.stdout.split('\n').filter((line) => line !== ''));
    expect(created.size).toBe(burst);
    await cluster.kubectl(['delete', 'deployment', 'burst']);
  });

  it('cut off: it gives no stale linearizable read and takes no write, the others go on, all heals', async () => {
    const leader = await member('leader');
    const cutOff = api(leader.apiServer);
    await cutOff.call('POST', configMaps, { body: configMap('cut-off', { a: 'old' }) });
    expect((await cluster.trireme('chaos', 'partition', leader.name)).code).toBe(0);
    const others = (await cluster.status()).members.filter(({ name }) => name !== leader.name);
    const other = api(others[0]!.apiServer);
    await eventually('the others write', async () => {
      const reply = await other.call('PUT', `${configMaps}/cut-off`, {
        body: configMap('cut-off', { a: 'new' }),
      });
      return reply.status === 200;
    });
    const started = Date.now();
    const read = await cutOff.call('GET', `${configMaps}/cut-off`);
    expect(read.status, read.text).toBeGreaterThanOrEqual(500);
    const written = await cutOff.call('PUT', `${configMaps}/cut-off`, {
      body: configMap('cut-off', { a: 'late' }),
    });
    expect(written.status, written.text).toBeGreaterThanOrEqual(500);
    expect(Date.now() - started).toBeLessThan(15_000);
    const stale = await cutOff.call<ApiObject>('GET', `${configMaps}/cut-off?resourceVersion=0`);
    expect(stale.body.data?.['a']).toBe('old');
    expect((await cluster.trireme('chaos', 'heal')).code).toBe(0);
    await healed();
    await everyMemberHolds(`${configMaps}/cut-off`, { a: 'new' });
    await controllersGoOn();
  });
});

describe('one of three left', () => {
  it('refuses writes with a clear error in bounded time, goes on reading its memory, heals with a second', async () => {
    await api().call('POST', configMaps, { body: configMap('quorum', { a: 'before' }) });
    const survivor = await member('follower');
    const away = (await cluster.status()).members.filter(({ name }) => name !== survivor.name);
    for (const { name } of away) await cluster.trireme('chaos', 'kill', name, '--stay-down');
    const alone = api(survivor.apiServer);
    await eventually(
      'it knows that there is no quorum',
      async () => (await alone.call('GET', '/readyz')).status === 500,
    );
    expect((await alone.call('GET', '/livez')).status).toBe(200);

    const started = Date.now();
    const refused = await alone.call('POST', configMaps, { body: configMap('nobody') });
    expect(refused.status, refused.text).toBeGreaterThanOrEqual(500);
    expect(refused.body).toMatchObject({ kind: 'Status', status: 'Failure' });
    expect(refused.body.message).toMatch(/quorum|leader/i);
    const unread = await alone.call('GET', configMaps);
    expect(unread.status, unread.text).toBeGreaterThanOrEqual(500);
    expect(Date.now() - started).toBeLessThan(10_000);

    const kept = await alone.call<ApiObject>('GET', `${configMaps}/quorum?resourceVersion=0`);
    expect(kept.body.data).toEqual({ a: 'before' });
    const status = await cluster.trireme('status');
    expect(status.code).toBe(1);
    expect(status.stdout).toContain('no quorum');

    await cluster.trireme('chaos', 'start', away[0]!.name);
    await eventually('it takes writes again', async () => {
      const reply = await alone.call('PUT', `${configMaps}/quorum`, {
        body: configMap('quorum', { a: 'after' }),
      });
      return reply.status === 200;
    });
    await cluster.trireme('chaos', 'start', away[1]!.name);
    await healed();
    await everyMemberHolds(`${configMaps}/quorum`, { a: 'after' });
    await controllersGoOn();
  });
});

describe('on purpose', () => {
  it('transfer-leader moves leadership under load without a failed write', async () => {
    const writers = new SequenceWriters(cluster, 'transfer');
    await writers.progress();
    const follower = await member('follower');
    const moved = await cluster.trireme('transfer-leader', follower.name);
    expect(moved.code, moved.stderr).toBe(0);
    expect(moved.stdout.trim()).toBe(follower.name);
    await writers.progress();
    expect((await cluster.status()).leader).toBe(follower.name);
    expectNothingLost(await writers.verdict());
    await controllersGoOn();
  });

  it('the end of a master in order, leader or not, fails no request of clients behind the balancer', async () => {
    const clients = new SteadyClients(cluster);
    await clients.progress(200);
    for (const role of ['leader', 'follower'] as const) {
      const ended = await member(role);
      process.kill(ended.pid!, 'SIGTERM');
      await eventually(`${ended.name} is back`, async () => {
        const now = (await cluster.status()).members.find(({ name }) => name === ended.name);
        return now?.healthy === true && now.pid !== ended.pid;
      });
      await clients.progress(100);
    }
    expect(await clients.failures()).toEqual([]);
    await healed();
  });

  it('down and up keep the data, the ports and the nodes', async () => {
    const before = cluster.file();
    const uid = await cluster.kubectl(['get', 'deployment', 'web', '-o', 'jsonpath={.metadata.uid}']);
    expect((await cluster.trireme('down')).code).toBe(0);
    await cluster.up();
    expect(cluster.file()).toMatchObject({ clusterId: before.clusterId, port: before.port });
    expect(await cluster.kubectl(['get', 'deployment', 'web', '-o', 'jsonpath={.metadata.uid}'])).toBe(uid);
    await healed();
    await controllersGoOn();
  });
});
