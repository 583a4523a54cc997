import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from './support/cluster.js';
import { expectSound, load, loadReport } from './support/load.js';

// This file is left out where k6 is not on the PATH (vitest.config.ts).
const small = ['--engine', 'k6', '--clients', '4', '--duration', '1500ms'];
const few = (scenario: string): string[] => (scenario === 'create' ? [] : ['--pods', '50']);

describe('npm run load, k6', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 0, name: 'load-k6' });
  });
  afterAll(async () => cluster.dispose());

  it.each(['create', 'read', 'list', 'watch'])(
    '%s: every request is answered as it should be',
    async (name) => {
      const report = await loadReport(cluster, name, ...small, ...few(name));
      expectSound(report, name, 'k6');
      expect(report.protocol).toBe('HTTP/2.0');
    },
  );

  it('lets requests arrive at a constant rate', async () => {
    const report = await loadReport(
      cluster,
      'read',
      ...small,
      ...few('read'),
      '--duration',
      '2s',
      '--rate',
      '50',
    );
    expectSound(report, 'read', 'k6');
    expect(report.requests + report.dropped).toBeGreaterThanOrEqual(99);
    expect(report.requests + report.dropped).toBeLessThanOrEqual(101);
  });

  it('fails when a threshold is not met', async () => {
    const { code, stdout } = await load(cluster, 'create', ...small, '--threshold', 'p99<0.001');
    expect(stdout).toContain('NOT MET: p99<0.001');
    expect(code).toBe(1);
  });
});
