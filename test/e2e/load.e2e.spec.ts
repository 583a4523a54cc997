import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, run, TestCluster } from './support/cluster.js';
import { expectSound, load, loadReport } from './support/load.js';

const small = ['--clients', '8', '--duration', '1500ms'];
const few = (scenario: string): string[] => (scenario === 'create' ? [] : ['--pods', '50']);
const entry = fileURLToPath(new URL('../../dist/loadtest/src/load.js', import.meta.url));

describe('npm run load, autocannon', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 0, name: 'load' });
  });
  afterAll(async () => cluster.dispose());

  it.each(['create', 'read', 'list', 'watch'])(
    '%s: every request is answered as it should be',
    async (name) => {
      expectSound(await loadReport(cluster, name, ...small, ...few(name)), name, 'autocannon');
    },
  );

  it('keeps a set rate', async () => {
    const report = await loadReport(
      cluster,
      'read',
      ...small,
      ...few('read'),
      '--duration',
      '2s',
      '--rate',
      '100',
    );
    expectSound(report, 'read', 'autocannon');
    expect(report.requests + report.dropped).toBe(200);
  });

  it('fails when a threshold is not met', async () => {
    const { code, stdout } = await load(cluster, 'read', ...small, ...few('read'), '--threshold', 'p50<=0');
    expect(stdout).toContain('NOT MET: p50<=0');
    expect(code).toBe(1);
  });

  it('goes through a given server with the given client certificate', async () => {
    const pem = (name: string): string => join(cluster.dataDir, 'pki', name);
    const certificates = ['--cert', pem('admin.crt'), '--key', pem('admin.key')];
    const server = ['--server', cluster.server()];
    const report = await loadReport(
      cluster,
      'read',
      ...small,
      ...server,
      '--ca',
      pem('ca.crt'),
      ...certificates,
    );
    expectSound(report, 'read', 'autocannon');
    const untrusted = await load(
      cluster,
      'read',
      ...small,
      ...server,
      '--ca',
      pem('peer-ca.crt'),
      ...certificates,
    );
    expect(untrusted.stderr).toContain('cannot be loaded');
    expect(untrusted.code).toBe(1);
  });

  it('leaves nothing behind', async () => {
    await eventually('removal of the namespaces', async () => {
      const names = await cluster.kubectl(['get', 'namespaces', '-o', 'name']);
      return !names.includes('namespace/load-');
    });
  });
});

it('starts a cluster of its own when none runs, and removes it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'trireme-e2e-'));
  try {
    const env = { TRIREME_HOME: directory, TMPDIR: directory };
    const { code, stdout, stderr } = await run(process.execPath, [entry, 'create', ...small], { env });
    expect(stderr).toContain('starting one for this load');
    expect(stdout).toContain('errors          0');
    expect(code, stderr).toBe(0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
