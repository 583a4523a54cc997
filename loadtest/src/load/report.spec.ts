import { describe, expect, it } from 'vitest';
import { Latencies } from '../stats.js';
import type { EngineReport, LoadPlan } from './plan.js';
import { formatReport, type LoadReport, makeReport } from './report.js';
import { scenarios } from './scenarios.js';

const plan: LoadPlan = {
  scenario: 'read',
  work: scenarios.read.work('ns', 10),
  servers: ['https://127.0.0.1:1'],
  tls: { ca: '', cert: '', key: '' },
  clients: 4,
  rate: null,
  seconds: 2,
  maximumRequests: 100,
  thresholds: [
    { of: 'p99', operator: '<', limit: 20 },
    { of: 'errors', operator: '<=', limit: 0.01 },
  ],
};
const measured: EngineReport = {
  engine: 'k6',
  protocol: 'HTTP/2.0',
  seconds: 2,
  requests: 1_000,
  errors: 10,
  firstError: null,
  dropped: 0,
  latencyMs: { p50: 1, p95: 5, p99: 19.9, 'p99.9': 30, mean: 2, max: 40 },
  coordinatedOmission: 'none',
};
const report = (change: Partial<EngineReport> = {}): LoadReport =>
  makeReport(plan, { ...measured, ...change }, { startedAt: new Date(0), cpuSeconds: 0.5 });

describe('percentiles', () => {
  it('are those of the sorted values, to three digits', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 10_000; ms++) latencies.record(ms);
    const { p50, p95, p99, 'p99.9': p999, mean, max } = latencies.summary();
    expect([p50, p95, p99, p999, mean, max].map((ms) => Math.round(ms / 20) * 20)).toEqual([
      5_000, 9_500, 9_900, 10_000, 5_000, 10_000,
    ]);
  });

  it('count a stall for every request that it held up when the rate was set', () => {
    const closed = new Latencies();
    const paced = new Latencies();
    for (let n = 0; n < 900; n++) {
      closed.record(1);
      paced.record(1, 10);
    }
    closed.record(1_000);
    paced.record(1_000, 10);
    expect(closed.summary().p99).toBeLessThan(2);
    expect(paced.count).toBe(1_000);
    expect(paced.summary().p99).toBeGreaterThan(850);
  });

  it('never lie above the greatest value', () => {
    const latencies = new Latencies();
    latencies.record(38.244);
    const { p50, 'p99.9': p999, max } = latencies.summary();
    expect(p50).toBe(max);
    expect(p999).toBe(max);
  });

  it('are zeros when nothing was recorded, and bounded when something took too long', () => {
    expect(new Latencies().summary()).toEqual({ p50: 0, p95: 0, p99: 0, 'p99.9': 0, mean: 0, max: 0 });
    const latencies = new Latencies();
    latencies.record(3_600_000);
    expect(latencies.summary().max).toBeGreaterThan(59_000);
  });
});

describe('the report', () => {
  it('gives rate, thresholds and the cost of the generator', () => {
    expect(report()).toMatchObject({
      achievedRate: 500,
      generatorCpuMicrosecondsPerRequest: 500,
      ok: true,
      thresholds: [
        { threshold: 'p99<20', value: 19.9, ok: true },
        { threshold: 'errors<=0.01', value: 0.01, ok: true },
      ],
    });
  });

  it('fails on a threshold that is not met', () => {
    expect(report({ latencyMs: { ...measured.latencyMs, p99: 20 } })).toMatchObject({ ok: false });
    expect(report({ errors: 11 })).toMatchObject({ ok: false });
  });

  it('fails when no request was answered well: there is nothing to judge', () => {
    expect(report({ requests: 0, errors: 0 })).toMatchObject({ ok: false, achievedRate: 0 });
    expect(report({ requests: 5, errors: 5 })).toMatchObject({ ok: false });
  });

  it('says in words what happened, requests that were not sent included', () => {
    const text = formatReport(report({ firstError: '503 no quorum', dropped: 7 }));
    for (const words of [
      '500.0/s',
      'p99.9 30.0 ms',
      '10, first: 503 no quorum',
      '7: no client',
      'met: p99<20',
    ]) {
      expect(text).toContain(words);
    }
  });
});
