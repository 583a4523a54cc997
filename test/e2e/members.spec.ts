import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, type ApiObject, configMap } from './support/api.js';
import { type ClusterStatus, type CommandResult, eventually, TestCluster } from './support/cluster.js';
import { SequenceWriters } from './support/sequence-writer.js';

/** Members of a cluster of real processes: observers, and a master that is replaced while the others serve. */

const configMaps = '/api/v1/namespaces/default/configmaps';
type Member = ClusterStatus['members'][number];

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 0, args: ['--observers', '1'] });
});
afterAll(async () => {
  await cluster.dispose();
});

async function member(...args: readonly string[]): Promise<CommandResult> {
  const result = await cluster.trireme('member', ...args);
  expect(result.stderr).toBe('');
  expect(result.code).toBe(0);
  return result;
}

async function listed(): Promise<readonly { id: number; name: string; role: string }[]> {
  const { stdout } = await member('list', '-o', 'json');
  return (JSON.parse(stdout) as { members: { id: number; name: string; role: string }[] }).members;
}

const rolesOf = (members: readonly { name: string; role: string }[]): Record<string, string> =>
  Object.fromEntries(members.map(({ name, role }) => [name, role]));

async function find(name: string): Promise<Member> {
  const found = (await cluster.status()).members.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} is not there`);
  return found;
}

describe('an observer', () => {
  it('serves reads, watches and writes of its own, is in the balancer, and leads nothing', async () => {
    const observer = await find('observer-1');
    expect(observer).toMatchObject({ role: 'observer', healthy: true });
    const api = Api.of(cluster, { server: observer.apiServer });
    try {
      const created = await api.call('POST', configMaps, { body: configMap('through-it', { a: '1' }) });
      expect(created.status, created.text).toBe(201);
      const own = await api.call<ApiObject>('GET', `${configMaps}/through-it?resourceVersion=0`);
      expect(own.body.data?.['a']).toBe('1');
    } finally {
      api.close();
    }
    expect((await cluster.trireme('transfer-leader', 'observer-1')).code).not.toBe(0);
    const metrics = await cluster.kubectl(['get', '--raw', '/metrics'], { server: observer.apiServer });
    expect(metrics).toMatch(/^etcd_server_is_learner 1$/m);
  });

  it('cannot be promoted, and is no part of a quorum', async () => {
    const refused = await cluster.trireme('member', 'promote', 'observer-1', '--wait', '0s');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/only a learner can be promoted/);
    const followers = (await cluster.status()).members.filter(({ role }) => role === 'follower');
    for (const { name } of followers)
      expect((await cluster.trireme('chaos', 'kill', name, '--stay-down')).code).toBe(0);
    await eventually('there is no quorum', async () => !(await cluster.status()).quorum);
    for (const { name } of followers) expect((await cluster.trireme('chaos', 'start', name)).code).toBe(0);
    await eventually('all are back', async () =>
      (await cluster.status()).members.every(({ healthy }) => healthy),
    );
  });
});

describe('a master is replaced under load', () => {
  it('even the leader: its successor joins empty, catches up and votes; nothing acknowledged is lost', async () => {
    const writers = new SequenceWriters(cluster, 'replaced');
    await writers.progress();
    const old = await cluster.leader();
    await member('remove', old.name);
    await writers.progress();
    expect(rolesOf(await listed())[old.name]).toBeUndefined();
    const { stdout } = await member('add', 'master-4');
    const id = Number(stdout.trim());
    expect(id).toBe(5);
    await eventually('it learns', async () => (await find('master-4')).role === 'learner');
    await writers.progress();
    await member('promote', 'master-4');
    const joined = await eventually('it is ready', async () => {
      const found = await find('master-4');
      return found.healthy && found;
    });
    await writers.progress();
    const verdict = await writers.verdict(joined.apiServer);
    expect(verdict.acknowledged).toBeGreaterThan(150);
    expect(verdict.lost).toEqual([]);
    for (const { acknowledged, stored, tried } of verdict.counters) {
      expect(stored).toBeGreaterThanOrEqual(acknowledged);
      expect(stored).toBeLessThanOrEqual(tried);
    }
    const names = ['master-1', 'master-2', 'master-3', 'master-4'].filter((name) => name !== old.name);
    const expected = Object.fromEntries([
      ...names.map((name) => [name, 'voter']),
      ['observer-1', 'observer'],
    ]);
    expect(rolesOf(await listed())).toEqual(expected);
    // It counts: with the new member and one other, there is a quorum.
    expect((await cluster.trireme('transfer-leader', 'master-4')).stdout.trim()).toBe('master-4');
  });

  it('and the cluster keeps its members over a restart of everything', async () => {
    const before = rolesOf(await listed());
    expect((await cluster.trireme('down')).code).toBe(0);
    expect((await cluster.trireme('up', '--detach', '--kubeconfig', cluster.kubeconfig)).code).toBe(0);
    expect(rolesOf(await listed())).toEqual(before);
    const reply = await cluster.kubectl(['get', 'configmap', 'through-it', '-o', 'jsonpath={.data.a}']);
    expect(reply).toBe('1');
  });
});
