import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, type ApiList, type Status } from './support/api.js';
import { type CommandResult, eventually, TestCluster } from './support/cluster.js';
import { freePort } from './support/free-port.js';
import { Program } from './support/program.js';
import { SequenceWriters } from './support/sequence-writer.js';

/** A backup of a running cluster becomes another cluster: with all that was acknowledged, and without ever going back. */

const configMaps = '/api/v1/namespaces/default/configmaps';

let old: TestCluster;
let restored: TestCluster;
const apis: Api[] = [];

beforeAll(async () => {
  old = await TestCluster.start({ name: 'old', nodes: 1 });
  restored = new TestCluster('restored');
});

afterAll(async () => {
  for (const api of apis) api.close();
  await Promise.all([old.dispose(), restored.dispose()]);
});

function api(cluster: TestCluster): Api {
  const client = Api.of(cluster);
  apis.push(client);
  return client;
}

interface Saved {
  readonly sha256: string;
  readonly revision: number;
  readonly keyCount: number;
}

describe('trireme snapshot', () => {
  it('saves under load, and a new cluster serves what was acknowledged; old watches are told that they are too old', async () => {
    const file = join(old.directory, 'backup');
    await old.kubectl(['create', 'deployment', 'web', '--image=example/web:1', '--replicas=2']);
    await old.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    const writers = new SequenceWriters(old, 'load');
    await writers.progress(100);
    const before = writers.acknowledged;
    const saved = await old.trireme('snapshot', 'save', file, '-o', 'json');
    expect(saved.stderr).not.toContain('error');
    await writers.progress(20);
    const verdict = await writers.verdict();
    expect(verdict.lost, 'no write failed by the backup').toEqual([]);
    const seen = (await api(old).call<ApiList>('GET', configMaps)).body.metadata.resourceVersion;

    const status = await old.trireme('snapshot', 'status', file, '-o', 'json');
    const { sha256, revision, keyCount } = JSON.parse(saved.stdout) as Saved;
    expect(JSON.parse(status.stdout)).toMatchObject({ sha256, revision, keyCount });

    const made = await restored.trireme('snapshot', 'restore', file, '--port', '0');
    expect(made.stderr).toContain('trireme up --name restored');
    await restored.up({ nodes: 1 });
    const names = (await restored.kubectl(['get', 'configmaps', '-l', 'writer=load', '-o', 'name'])).split(
      '\n',
    );
    expect(names.length, 'all that was acknowledged before').toBeGreaterThanOrEqual(before);
    expect(await restored.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'name'])).toMatch(
      /^(pod\/web-\S+\n){2}$/,
    );
    await restored.kubectl(['rollout', 'restart', 'deployment/web']);
    await restored.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);

    // The old cluster has gone on since: the new one knows nothing of those revisions, and gives none of them again.
    const watch = await api(restored).call<Status>(
      'GET',
      `${configMaps}?watch=true&resourceVersion=${seen}&timeoutSeconds=2`,
    );
    expect(JSON.stringify(watch.body ?? watch.text)).toContain('"code":410');
    const now = (await api(restored).call<ApiList>('GET', configMaps)).body.metadata.resourceVersion;
    expect(Number(now)).toBeGreaterThan(Number(seen) + 900_000_000);
    expect((await restored.status()).members.every(({ healthy }) => healthy)).toBe(true);
    expect(restored.file().clusterId).not.toBe(old.file().clusterId);
  });

  it('refuses a damaged file, a directory that holds a cluster, and says why', async () => {
    const file = join(old.directory, 'backup');
    const damaged = join(old.directory, 'damaged');
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(damaged, bytes);
    const elsewhere = ['--name', 'third', '--data-dir', join(old.directory, 'third')];
    for (const args of [
      ['status', damaged],
      ['restore', damaged, ...elsewhere],
    ]) {
      const result = await old.trireme('snapshot', ...args);
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('its bytes have changed');
    }
    const again = await restored.trireme('snapshot', 'restore', file);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('holds a cluster already');
    const gone = await old.trireme('snapshot', 'status', join(old.directory, 'nothing'));
    expect(gone.stderr).toContain('ENOENT');
  });

  it('restores a single master by its configuration, which then leads what was saved', async () => {
    const file = join(old.directory, 'backup');
    const config = join(old.directory, 'master.json');
    const write = (more: object = {}): void =>
      writeFileSync(config, JSON.stringify({ ...settings, ...more }));
    const [peer, securePort, etcdMetricsPort, controllerManagerPort, schedulerPort] = await Promise.all(
      Array.from({ length: 5 }, freePort),
    );
    const settings = {
      clusterId: 'alone',
      members: [{ id: 1, name: 'master-1', host: '127.0.0.1', port: peer }],
      dataDir: join(old.directory, 'alone'),
      pkiDir: join(old.dataDir, 'pki'),
      securePort,
      etcdMetricsPort,
      controllerManagerPort,
      schedulerPort,
    };
    write();
    const restore = async (...more: readonly string[]): Promise<CommandResult> =>
      old.trireme('snapshot', 'restore', file, '--config', config, ...more);
    expect((await restore('--masters', '3')).stderr).toMatch(/--masters is not for one master/);
    expect((await restore()).stderr).toMatch(/not a valid configuration: name: /);
    write({ name: 'master-1', join: true });
    expect((await restore()).stderr).toMatch(/master-1 joins a cluster that runs/);
    write();
    const made = await restore('--member', 'master-1', '-o', 'json');
    expect(made.stderr).toContain(`trireme master --config ${config}`);
    const { keyCount } = JSON.parse(made.stdout) as Saved;
    expect(keyCount).toBeGreaterThan(100);
    expect((await restore('--member', 'master-1')).stderr).toContain('holds a member already');

    const master = Program.trireme(['master', '--config', config], { TRIREME_MASTER_NAME: 'master-1' });
    try {
      const direct = Api.of(old, { server: `https://127.0.0.1:${securePort}` });
      apis.push(direct);
      const kept = await eventually('the restored master to serve', async () => {
        const { status, body } = await direct.call<ApiList>(
          'GET',
          `${configMaps}?labelSelector=writer%3Dload`,
        );
        return status === 200 && body.items.length;
      });
      expect(kept).toBeGreaterThan(100);
    } finally {
      await master.kill('SIGTERM');
    }
  });

  it('shows no alarm where there is none, and ends those that are named', async () => {
    const list = await old.trireme('alarm', 'list', '-o', 'json');
    expect([list.code, JSON.parse(list.stdout)]).toEqual([0, []]);
    expect((await old.trireme('alarm', 'disarm', 'noSpace')).code).toBe(0);
    const unknown = await old.trireme('alarm', 'disarm', 'noSpace', '--member', 'nobody');
    expect(unknown.stderr).toContain("no member named 'nobody'");
  });
});
