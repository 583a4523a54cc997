import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CommandResult, TestCluster } from './cluster.js';

/** Of each kind of load, as the report names them: requests that some must be seen of. */
export const stepsOf: Readonly<Record<string, readonly string[]>> = {
  create: ['create'],
  read: ['get'],
  list: ['list'],
  watch: ['watch', 'write'],
  mixed: ['get', 'list', 'patch', 'create', 'delete'],
  churn: ['create', 'delete'],
  'rolling-update': ['patch', 'rollout'],
  heartbeats: ['renew'],
  'scale-nodes': ['register', 'lease', 'status'],
  'scale-pods': ['create', 'rollout', 'delete'],
};

/** Small enough for a test: few clients, few objects. */
export function smallLoad(scenario: string): readonly string[] {
  const items: Readonly<Record<string, string>> = {
    read: '50',
    list: '50',
    mixed: '50',
    watch: '5',
    heartbeats: '50',
    'scale-pods': '2',
  };
  const found = items[scenario];
  const longer = scenario === 'watch' || scenario === 'rolling-update' || scenario === 'scale-pods';
  return [
    '--clients',
    scenario === 'mixed' ? '8' : '2',
    '--duration',
    longer ? '3s' : '1s',
    ...(found === undefined ? [] : ['--items', found]),
  ];
}

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
  readonly latencyMs: Readonly<Record<'p50' | 'p95' | 'p99' | 'p99.9' | 'p99.99' | 'mean' | 'max', number>>;
  readonly steps: Readonly<Record<string, { readonly requests: number; readonly errors: number }>>;
  readonly timeline: readonly { readonly second: number; readonly requests: number }[];
  readonly verdicts: readonly { readonly what: string; readonly ok: boolean }[];
  readonly ok: boolean;
}

/** `trireme load` on a cluster of a test. */
export async function load(cluster: TestCluster, ...args: readonly string[]): Promise<CommandResult> {
  return cluster.trireme('load', ...args);
}

/** Runs a load that must meet its thresholds, and returns its report. */
export async function loadReport(cluster: TestCluster, ...args: readonly string[]): Promise<Report> {
  const json = join(cluster.directory, `load-${args.join('').replaceAll(/\W/g, '')}.json`);
  const result = await load(cluster, ...args, '--json', json);
  expect(result.code, result.stdout + result.stderr).toBe(0);
  return JSON.parse(readFileSync(json, 'utf8')) as Report;
}

export function expectSound(report: Report, scenario: string, engine: string): void {
  expect(report).toMatchObject({ scenario, engine, errors: 0, ok: true });
  expect(report.requests).toBeGreaterThan(0);
  for (const step of stepsOf[scenario] ?? []) {
    expect(report.steps[step]?.requests, `${scenario}: ${step}`).toBeGreaterThan(0);
  }
  const { p50, p95, p99, 'p99.9': p999, 'p99.99': p9999, max } = report.latencyMs;
  const rising = [p50, p95, p99, p999, p9999, max];
  expect(rising.toSorted((a, b) => a - b)).toEqual(rising);
  expect(p50).toBeGreaterThan(0);
}
