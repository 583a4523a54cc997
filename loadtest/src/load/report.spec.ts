import { describe, expect, it } from 'vitest';
import { aboutThis } from '../report/about.js';
import { htmlReport } from '../report/html/page.js';
import type { LoadReport } from '../report/schema.js';
import { Latencies } from '../stats.js';
import type { LoadPlan } from './plan.js';
import { type EngineReport, Recorder } from './recorder.js';
import { formatReport, makeReport } from './report.js';
import { scenarios } from './scenarios/index.js';

const plan: LoadPlan = {
  scenario: 'read',
  groups: scenarios.read.groups({ namespace: 'ns', clients: 4, rate: null, items: 10 }),
  servers: ['https://127.0.0.1:1'],
  tls: { ca: '', cert: '', key: '' },
  seconds: 2,
};

/** A thousand requests in two seconds, of which ten fail; p99 of the good ones is 19.9 ms. */
function measured(): EngineReport {
  const recorder = new Recorder(2);
  recorder.begin();
  const latenciesMs = [...Array.from({ length: 979 }, () => 1), ...Array.from({ length: 11 }, () => 19.9)];
  recorder.tick({ second: 0, steps: [{ step: 'get', latenciesMs, errors: 10 }] });
  recorder.end();
  const report = recorder.report({
    engine: 'autocannon',
    protocol: 'HTTP/1.1',
    missed: 0,
    cpuSeconds: 0.5,
    openModel: false,
  });
  return { ...report, seconds: 2 };
}

function report(change: Partial<EngineReport> = {}): LoadReport {
  const seen = { ...measured(), ...change };
  return makeReport(plan, seen, {
    about: aboutThis('trireme load read', new Date(0)),
    target: 'test',
    processes: 1,
    thresholds: [
      { step: null, of: 'p99', operator: '<', limit: 20 },
      { step: 'get', of: 'p99', operator: '<', limit: 20 },
      { step: null, of: 'errors', operator: '<=', limit: 0.01 },
    ],
    marks: [{ at: 0.5, kind: 'leader', label: 'm1, term 2' }],
  });
}

describe('percentiles', () => {
  it('are those of the sorted values, to three digits', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 10_000; ms++) latencies.record(ms);
    const { p50, p95, p99, 'p99.9': p999, mean, max, curve } = latencies.summary();
    expect([p50, p95, p99, p999, mean, max].map((ms) => Math.round(ms / 20) * 20)).toEqual([
      5_000, 9_500, 9_900, 10_000, 5_000, 10_000,
    ]);
    expect(curve.find(([q]) => q === 50)?.[1]).toBe(p50);
  });

  it('never lie above the greatest value', () => {
    const latencies = new Latencies();
    latencies.record(38.244);
    const { p50, 'p99.9': p999, max } = latencies.summary();
    expect(p50).toBe(max);
    expect(p999).toBe(max);
  });

  it('are zeros when nothing was recorded, and bounded when something took too long', () => {
    expect(new Latencies().summary()).toMatchObject({ count: 0, p50: 0, p99: 0, 'p99.99': 0, max: 0 });
    const latencies = new Latencies();
    latencies.record(3_600_000);
    expect(latencies.summary().max).toBeGreaterThan(59_000);
  });
});

describe('the recorder', () => {
  it('adds what several generators saw of a second, and tells it once it is over', () => {
    const told: number[] = [];
    const recorder = new Recorder(3, ({ second, requests }) => told.push(second, requests));
    const tick = (second: number, count: number): void =>
      recorder.tick({
        second,
        steps: [{ step: 'a', latenciesMs: Array.from({ length: count }, () => 1), errors: 0 }],
      });
    tick(0, 2);
    tick(0, 3);
    tick(1, 1);
    expect(told).toEqual([0, 5]);
    // After the end of the load's time it still is its last second.
    tick(2, 1);
    tick(3, 1);
    recorder.end();
    expect(told).toEqual([0, 5, 1, 1, 2, 2]);
  });

  it('reports the events of a watch, and counts none of them as a request', () => {
    const recorder = new Recorder(1);
    recorder.tick({
      second: 0,
      steps: [
        { step: 'watch', latenciesMs: [1], errors: 0 },
        { step: 'event', latenciesMs: [9, 9, 9], errors: 0 },
      ],
    });
    const seen = recorder.report({
      engine: 'autocannon',
      protocol: '',
      missed: 0,
      cpuSeconds: null,
      openModel: false,
    });
    expect(seen.requests).toBe(1);
    expect(seen.latencyMs.max).toBe(1);
    expect(seen.steps['event']?.requests).toBe(3);
  });
});

describe('the report', () => {
  it('gives rate, thresholds and the cost of the generator', () => {
    expect(report()).toMatchObject({
      achievedRate: 500,
      generatorCpuMicrosecondsPerRequest: 500,
      ok: true,
      verdicts: [
        { what: 'p99<20', ok: true },
        { what: 'get.p99<20', ok: true },
        { what: 'errors<=0.01', found: '0.01', ok: true },
      ],
    });
  });

  it('fails on a threshold that is not met', () => {
    const { latencyMs } = measured();
    expect(report({ latencyMs: { ...latencyMs, p99: 20 } })).toMatchObject({ ok: false });
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
      'p99.9 19.9 ms',
      '10, first: 503 no quorum',
      '7: no client',
      'met: p99<20',
    ]) {
      expect(text).toContain(words);
    }
  });
});

describe('the page', () => {
  it('needs nothing from elsewhere, and runs nothing that it was given', () => {
    const html = htmlReport(report({ firstError: '<script>alert(1)</script>' }), undefined);
    expect(html).not.toMatch(/(src|href)=/);
    expect(html).not.toMatch(/https?:\/\/(?!127\.0\.0\.1)/);
    expect(html).not.toContain('<script>alert');
    expect(html).toContain('&lt;script&gt;alert(1)');
  });

  it('draws who led, names the machine, and compares with a baseline', () => {
    const html = htmlReport(report(), report({ errors: 0 }));
    expect(html).toContain('m1, term 2');
    expect(html).toContain(process.version);
    expect(html).toContain('Against the baseline');
  });
});
