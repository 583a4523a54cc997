import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, run, TestCluster } from './support/cluster.js';
import { freePort } from './support/free-port.js';
import { Program } from './support/program.js';
import { expectNothingLost, SequenceWriters } from './support/sequence-writer.js';

/** Three masters that store in a real etcd: the same API, an election held in etcd, and etcd away for a while. */

const manifest = readFileSync(new URL('fixtures/shop.yaml', import.meta.url), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'trireme-external-'));
const cluster = new TestCluster('external');
let etcd: Program;
let url = '';
let startEtcd: () => Program;

beforeAll(async () => {
  url = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const flags = {
    name: 'only',
    'data-dir': directory,
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `only=${peer}`,
    'log-level': 'error',
    logger: 'zap',
  };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  startEtcd = () => new Program('etcd', args);
  etcd = startEtcd();
  await eventually('etcd answers', async () => (await etcdctl('endpoint', 'health')).code === 0);
  await cluster.up({ args: ['--storage', `${url.replace('http', 'etcd')}/e2e`] });
});

afterAll(async () => {
  await cluster.dispose();
  await etcd.kill();
  rmSync(directory, { recursive: true, force: true });
});

const etcdctl = (...args: readonly string[]) =>
  run('etcdctl', args, { env: { ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: url }, timeoutMs: 5_000 });
const shop = (...args: readonly string[]): Promise<string> => cluster.kubectl(['-n', 'shop', ...args]);

it('kubectl applies, watches workloads come up, changes, scales and lists', async () => {
  await cluster.kubectl(['apply', '-f', '-'], { input: manifest });
  for (const workload of ['deployment/web', 'statefulset/db', 'daemonset/agent'])
    await shop('rollout', 'status', workload, '--timeout=60s');
  await shop('wait', 'job/migrate', '--for=condition=Complete', '--timeout=60s');
  await shop('scale', 'deployment', 'web', '--replicas=5');
  await shop('rollout', 'status', 'deployment/web', '--timeout=60s');
  await shop('patch', 'configmap', 'settings', '-p', '{"data":{"colour":"green"}}');
  for (const { name } of cluster.file().masters) {
    const server = cluster.server(name);
    const colour = ['-n', 'shop', 'get', 'configmap', 'settings', '-o', 'jsonpath={.data.colour}'];
    expect(await cluster.kubectl(colour, { server })).toBe('green');
    const pods = ['-n', 'shop', 'get', 'pods', '-l', 'app=web', '--chunk-size=2', '-o', 'name'];
    expect((await cluster.kubectl(pods, { server })).trim().split('\n')).toHaveLength(5);
  }
  const { stdout } = await etcdctl('get', '/e2e/kv/registry/core/configmaps/shop/settings');
  expect(stdout).toContain('"colour":"green"');
});

it('status tells the election’s leader; what etcd has tools for is left to them', async () => {
  const status = await cluster.status();
  expect(status.quorum).toBe(true);
  expect(status.members.map(({ role }) => role).sort()).toEqual(['follower', 'follower', 'leader']);
  const refused = await cluster.trireme('snapshot', 'save', join(directory, 'never'));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/external etcd: .*etcdctl snapshot save/);
});

it('the leader killed under load: another one is elected in etcd, nothing is lost, controllers go on', async () => {
  const { leader } = await cluster.status();
  const writers = new SequenceWriters(cluster, 'election');
  await writers.progress();
  await cluster.trireme('chaos', 'kill', leader!, '--stay-down');
  await eventually('another one leads', async () => {
    const now = (await cluster.status()).leader;
    return now !== undefined && now !== leader;
  });
  await writers.progress();
  await cluster.trireme('chaos', 'start', leader!);
  expectNothingLost(await writers.verdict());
  await shop('delete', 'pods', '-l', 'app=web', '--wait=false');
  await eventually(
    'the pods are replaced',
    async () => (await shop('get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}')) === '5',
  );
});

it('etcd killed and back: masters say that they are not ready, and go on with what they had', async () => {
  await etcd.kill();
  await eventually('nobody is ready', async () =>
    (await cluster.status()).members.every(({ healthy }) => !healthy),
  );
  etcd = startEtcd();
  await eventually('all are ready', async () =>
    (await cluster.status()).members.every(({ healthy }) => healthy),
  );
  expect(await shop('get', 'configmap', 'settings', '-o', 'jsonpath={.data.colour}')).toBe('green');
  await shop('patch', 'configmap', 'settings', '-p', '{"data":{"colour":"red"}}');
});
