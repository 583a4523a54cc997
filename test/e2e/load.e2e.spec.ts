import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, run, TestCluster } from './support/cluster.js';
import { expectSound, load, loadReport, smallLoad, stepsOf } from './support/load.js';
import { Program } from './support/program.js';

const bin = fileURLToPath(new URL('../../bin/trireme.mjs', import.meta.url));

describe('trireme load, autocannon', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 3, name: 'load' });
  });
  afterAll(async () => cluster.dispose());

  // Side by side: what is promised is that the answers are right, and not how fast they are.
  it.concurrent.each(Object.keys(stepsOf))('%s: every request is answered as it should be', async (name) => {
    expectSound(await loadReport(cluster, name, ...smallLoad(name)), name, 'autocannon');
  });

  it('keeps a set rate, from several processes', async () => {
    const small = ['--clients', '8', '--items', '50', '--duration', '2s'];
    const report = await loadReport(cluster, 'read', ...small, '--rate', '100', '--processes', '2');
    expectSound(report, 'read', 'autocannon');
    expect(report.requests + report.dropped).toBe(200);
    expect(report.timeline.reduce((sum, { requests }) => sum + requests, 0)).toBe(report.requests);
  });

  it('fails when a threshold is not met, and writes the page nevertheless', async () => {
    const page = join(cluster.directory, 'load.html');
    const flags = [...smallLoad('read'), '--threshold', 'p50<=0', '--report', page];
    const { code, stdout } = await load(cluster, 'read', ...flags);
    expect(stdout).toContain('NOT MET: p50<=0');
    expect(code).toBe(1);
    expect(readFileSync(page, 'utf8')).toContain('p50&lt;=0');
  });

  it('goes through a given server with the given client certificate', async () => {
    const pem = (name: string): string => join(cluster.dataDir, 'pki', name);
    const certificates = ['--cert', pem('admin.crt'), '--key', pem('admin.key')];
    const server = ['--server', cluster.server()];
    const small = [...smallLoad('read'), ...server, ...certificates];
    expectSound(await loadReport(cluster, 'read', ...small, '--ca', pem('ca.crt')), 'read', 'autocannon');
    const untrusted = await load(cluster, 'read', ...small, '--ca', pem('peer-ca.crt'));
    expect(untrusted.stderr).toContain('cannot be loaded');
    expect(untrusted.code).toBe(1);
  });

  it('ends on Ctrl-C, and leaves nothing behind', async () => {
    const env = {
      TRIREME_HOME: join(cluster.directory, 'home'),
      TRIREME_NAME: cluster.name,
      TRIREME_DATA_DIR: cluster.dataDir,
    };
    const loading = new Program(process.execPath, [bin, 'load', 'scale-nodes', '--duration', '60s'], env);
    await eventually('the load runs', async () => {
      const nodes = await cluster.kubectl(['get', 'nodes', '-o', 'name']);
      return nodes.includes('node/load-');
    });
    await loading.kill('SIGINT');
    expect((await loading.ended()).code).toBe(130);
    await eventually('removal of namespaces and nodes', async () => {
      const names = await cluster.kubectl(['get', 'namespaces,nodes', '-o', 'name']);
      expect(names).not.toContain('/load-');
      return true;
    });
  });
});

it('starts a cluster of its own when none runs, and removes it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'trireme-e2e-'));
  try {
    const env = { TRIREME_HOME: directory, TMPDIR: directory };
    const args = [bin, 'load', 'create', ...smallLoad('create')];
    const { code, stdout, stderr } = await run(process.execPath, args, { env });
    expect(stderr).toContain('starting one for this load');
    expect(stdout).toMatch(/errors +0\n/);
    expect(code, stderr).toBe(0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it('says how to get k6 where it is not installed', async () => {
  const { code, stderr } = await run(process.execPath, [bin, 'load', 'create', '--engine', 'k6'], {
    env: { PATH: '/nonexistent' },
  });
  expect(code).toBe(1);
  expect(stderr).toContain('go install go.k6.io/k6@');
});
