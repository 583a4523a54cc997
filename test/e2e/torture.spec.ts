import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './support/cluster.js';

/** A short stage of `npm run torture`: the real thing, a few rounds. docs/torture.md has the long one. */

const entry = fileURLToPath(new URL('../../dist/loadtest/src/torture.js', import.meta.url));
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-torture-e2e-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Report {
  readonly rounds: readonly { readonly fault: string; readonly writersGapMs: number }[];
  readonly epochs: readonly { readonly acknowledgedWrites: number; readonly watchEvents: number }[];
  readonly violations: readonly unknown[];
}

async function torture(faults: readonly string[], ...args: string[]): Promise<Report> {
  const json = join(directory, 'report.json');
  const flags = [
    '--rounds',
    String(faults.length),
    '--faults',
    faults.join(','),
    '--json',
    json,
    '--seed',
    '7',
  ];
  const { code, stdout, stderr } = await run(process.execPath, [entry, ...flags, ...args], {
    env: { TMPDIR: directory },
  });
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  return JSON.parse(readFileSync(json, 'utf8')) as Report;
}

describe('three real masters under faults', () => {
  it.each([
    {
      where: 'as this machine allows',
      flags: [],
      faults: ['kill-leader', 'pause-leader', 'partition-leader'],
    },
    {
      where: 'on loopback, without root',
      flags: ['--loopback'],
      faults: ['partition-leader-in', 'torn-tail'],
    },
  ])('$where: nothing is lost or doubled, histories are linearizable', async ({ flags, faults }) => {
    const report = await torture(faults, ...flags);
    expect(report.violations).toEqual([]);
    expect(report.rounds.map(({ fault }) => fault).sort()).toEqual([...faults].sort());
    for (const epoch of report.epochs) {
      expect(epoch.acknowledgedWrites).toBeGreaterThan(50);
      expect(epoch.watchEvents).toBeGreaterThan(50);
    }
    for (const { writersGapMs } of report.rounds) expect(writersGapMs).toBeLessThan(15_000);
  });

  it('is found out when clients read without a quorum: the verdict can fail', async () => {
    const args = [
      '--rounds',
      '1',
      '--faults',
      'partition-leader',
      '--seed',
      '7',
      '--loopback',
      '--stale-reads',
    ];
    const { code, stdout } = await run(process.execPath, [entry, ...args], { env: { TMPDIR: directory } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ (not linearizable|revisions out of order) \(round 1, partition-leader\)/);
  });

  it('refuses a fault that there is none of, and names those there are', async () => {
    const { code, stderr } = await run(process.execPath, [entry, '--faults', 'earthquake']);
    expect(code).toBe(1);
    expect(stderr).toContain('kill-leader');
  });
});
