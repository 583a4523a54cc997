import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, TestCluster } from './support/cluster.js';

/** An unmodified helm 4 takes a release through its life. The steps follow each other. */

const chart = fileURLToPath(new URL('fixtures/chart', import.meta.url));
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start();
});

afterAll(async () => {
  await cluster.dispose();
});

const helm = async (...args: readonly string[]): Promise<string> => cluster.helm(['-n', 'shop', ...args]);
const jsonPath = async (object: string, path: string): Promise<string> =>
  cluster.kubectl(['-n', 'shop', 'get', object, '-o', `jsonpath={${path}}`]);

async function releases(): Promise<readonly Record<string, string>[]> {
  return JSON.parse(await helm('list', '-o', 'json')) as readonly Record<string, string>[];
}

it('installs, waits until all is ready, and runs the hook first', async () => {
  const output = await helm('install', 'web', chart, '--create-namespace', '--wait', '--timeout=60s');
  expect(output).toMatch(/STATUS: deployed/);
  expect(output).toContain('web sells in blue.');
  expect(await jsonPath('deployment/web', '.status.readyReplicas')).toBe('2');
  expect((await cluster.tryKubectl(['-n', 'shop', 'get', 'job', 'web-prepare'])).stderr).toContain(
    'NotFound',
  );
});

it('lists the release and tells its status, values and manifest', async () => {
  expect(await releases()).toMatchObject([
    {
      name: 'web',
      namespace: 'shop',
      revision: '1',
      status: 'deployed',
      chart: 'shop-1.0.0',
      app_version: '1',
    },
  ]);
  expect(await helm('status', 'web')).toContain('STATUS: deployed');
  expect(await helm('get', 'manifest', 'web')).toContain('kind: Deployment');
  expect(await cluster.kubectl(['-n', 'shop', 'get', 'secret', '-l', 'owner=helm', '-o', 'name'])).toBe(
    'secret/sh.helm.release.v1.web.v1\n',
  );
});

it('refuses to install the name twice', async () => {
  const again = await cluster.tryHelm(['-n', 'shop', 'install', 'web', chart]);
  expect(again.code).not.toBe(0);
  expect(again.stderr).toMatch(/cannot re-?use a name that is still in use/);
});

it('upgrades with new values', async () => {
  const changes = ['--set', 'replicas=3,image=example/web:2,colour=red'];
  expect(await helm('upgrade', 'web', chart, ...changes, '--wait', '--timeout=60s')).toContain(
    'has been upgraded',
  );
  expect(await jsonPath('deployment/web', '.status.readyReplicas')).toBe('3');
  expect(await jsonPath('deployment/web', '.spec.template.spec.containers[0].image')).toBe('example/web:2');
  expect(await jsonPath('configmap/web', '.data.colour')).toBe('red');
  expect(await releases()).toMatchObject([{ name: 'web', revision: '2', status: 'deployed' }]);
});

it('runs the chart’s tests, and says so when they fail', async () => {
  expect(await helm('test', 'web', '--timeout=60s')).toMatch(/Phase:\s+Succeeded/);
  await helm('upgrade', 'web', chart, '--reuse-values', '--set', 'testExitCode=1', '--wait', '--timeout=60s');
  const failed = await cluster.tryHelm(['-n', 'shop', 'test', 'web', '--timeout=60s']);
  expect(failed.code).not.toBe(0);
  expect(failed.stdout + failed.stderr).toMatch(/failed/i);
});

it('rolls back to the first revision', async () => {
  expect(await helm('rollback', 'web', '1', '--wait', '--timeout=60s')).toContain('Rollback was a success');
  expect(await jsonPath('deployment/web', '.spec.replicas')).toBe('2');
  expect(await jsonPath('deployment/web', '.spec.template.spec.containers[0].image')).toBe('example/web:1');
  expect(await jsonPath('configmap/web', '.data.colour')).toBe('blue');
  const history = JSON.parse(await helm('history', 'web', '-o', 'json')) as {
    revision: number;
    status: string;
  }[];
  expect(history.map(({ revision, status }) => `${revision} ${status}`)).toEqual([
    '1 superseded',
    '2 superseded',
    '3 superseded',
    '4 deployed',
  ]);
});

it('uninstalls, and nothing of the release is left', async () => {
  expect(await helm('uninstall', 'web', '--wait', '--timeout=60s')).toContain('release "web" uninstalled');
  expect(await releases()).toEqual([]);
  const kinds = 'deployments,services,configmaps,pods,secrets';
  // helm waits for what it made; the pods of the Deployment take a moment to stop.
  await eventually('everything of the release to be gone', async () => {
    const left = await cluster.kubectl([
      '-n',
      'shop',
      'get',
      kinds,
      '-l',
      'app.kubernetes.io/instance=web',
      '-o',
      'name',
    ]);
    return left === '';
  });
});
