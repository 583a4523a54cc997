import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from './support/cluster.js';
import { expectSound, load, loadReport, smallLoad, stepsOf } from './support/load.js';

// This file is left out where k6 is not on the PATH (vitest.config.ts).
const k6 = ['--engine', 'k6'];

describe('trireme load, k6', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 3, name: 'load-k6' });
  });
  afterAll(async () => cluster.dispose());

  it.concurrent.each(Object.keys(stepsOf))('%s: every request is answered as it should be', async (name) => {
    const report = await loadReport(cluster, name, ...k6, ...smallLoad(name));
    expectSound(report, name, 'k6');
    expect(report.protocol).toBe('HTTP/2.0');
  });

  it.each(['--rate=50', '--ramp=20:80'])('lets requests arrive when they are due: %s', async (rate) => {
    const flags = ['--clients', '8', '--items', '50', '--duration', '2s', rate];
    const report = await loadReport(cluster, 'read', ...k6, ...flags);
    expectSound(report, 'read', 'k6');
    expect(report.requests + report.dropped).toBeGreaterThanOrEqual(98);
    expect(report.requests + report.dropped).toBeLessThanOrEqual(102);
  });

  it('fails when a threshold is not met', async () => {
    const { code, stdout } = await load(
      cluster,
      'create',
      ...k6,
      ...smallLoad('create'),
      '--threshold',
      'p99<0.001',
    );
    expect(stdout).toContain('NOT MET: p99<0.001');
    expect(code).toBe(1);
  });
});
