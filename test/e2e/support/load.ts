import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type CommandResult, run, type TestCluster } from './cluster.js';

const entry = fileURLToPath(new URL('../../../dist/loadtest/src/load.js', import.meta.url));

/** What the tests read of the report. */
export interface Report {
  readonly scenario: string;
  readonly engine: string;
  readonly protocol: string;
  readonly seconds: number;
  readonly requests: number;
  readonly errors: number;
  readonly dropped: number;
  readonly achievedRate: number;
  readonly latencyMs: Readonly<Record<'p50' | 'p95' | 'p99' | 'p99.9' | 'mean' | 'max', number>>;
  readonly thresholds: readonly { readonly threshold: string; readonly ok: boolean }[];
  readonly ok: boolean;
}

/** `npm run load` on a cluster of a test. */
export async function load(cluster: TestCluster, ...args: readonly string[]): Promise<CommandResult> {
  const env = {
    TRIREME_HOME: join(cluster.directory, 'home'),
    TRIREME_NAME: cluster.name,
    TRIREME_DATA_DIR: cluster.dataDir,
  };
  return run(process.execPath, [entry, ...args], { env });
}

/** Runs a load that must meet its thresholds, and returns its report. */
export async function loadReport(cluster: TestCluster, ...args: readonly string[]): Promise<Report> {
  const json = join(cluster.directory, 'load.json');
  const result = await load(cluster, ...args, '--json', json);
  expect(result.code, result.stdout + result.stderr).toBe(0);
  return JSON.parse(readFileSync(json, 'utf8')) as Report;
}

export function expectSound(report: Report, scenario: string, engine: string): void {
  expect(report).toMatchObject({ scenario, engine, errors: 0, ok: true });
  expect(report.requests).toBeGreaterThan(0);
  const { p50, p95, p99, 'p99.9': p999, max } = report.latencyMs;
  const rising = [p50, p95, p99, p999, max];
  expect(rising.toSorted((a, b) => a - b)).toEqual(rising);
  expect(p50).toBeGreaterThan(0);
}
