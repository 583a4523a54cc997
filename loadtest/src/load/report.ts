import type { About } from '../report/about.js';
import { checkedReport, type LoadReport, type Mark, schemaVersion } from '../report/schema.js';
import type { LoadPlan, Threshold } from './plan.js';
import type { EngineReport } from './recorder.js';

export interface Circumstances {
  readonly about: About;
  /** Whose servers they are. */
  readonly target: string;
  readonly processes: number;
  readonly thresholds: readonly Threshold[];
  readonly marks: readonly Mark[];
}

/** The report of a load, whatever the engine. */
export function makeReport(plan: LoadPlan, measured: EngineReport, about: Circumstances): LoadReport {
  const verdicts = about.thresholds.map((threshold) => judge(threshold, measured));
  const [main] = plan.groups;
  const { generatorCpuSeconds, ...rest } = measured;
  return checkedReport<LoadReport>({
    schema: schemaVersion,
    kind: 'load',
    ...about.about,
    scenario: plan.scenario,
    target: about.target,
    servers: plan.servers,
    clients: main?.clients ?? 0,
    processes: about.processes,
    targetRate: main?.rate ?? null,
    achievedRate: measured.seconds === 0 ? 0 : measured.requests / measured.seconds,
    iterationRequests: main?.operations[0]?.steps.length ?? 1,
    ...rest,
    timeline: [...measured.timeline],
    marks: [...about.marks],
    verdicts,
    ok: verdicts.every(({ ok }) => ok),
    generatorCpuMicrosecondsPerRequest:
      generatorCpuSeconds === null || measured.requests === 0
        ? null
        : (generatorCpuSeconds * 1e6) / measured.requests,
  });
}

function judge(threshold: Threshold, measured: EngineReport): LoadReport['verdicts'][number] {
  const { step, of, operator, limit } = threshold;
  const seen = step === null ? measured : measured.steps[step];
  const what = `${step === null ? '' : `${step}.`}${of}${operator}${limit}`;
  // Without a single good answer there are no latencies to judge, and zeros would pass.
  if (seen === undefined || seen.requests <= seen.errors) return { what, ok: false, found: 'no good answer' };
  const value = of === 'errors' ? seen.errors / seen.requests : seen.latencyMs[of];
  const ok = operator === '<' ? value < limit : value <= limit;
  return { what, ok, found: String(Number(value.toFixed(4))) };
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

/** What a person reads in the terminal. */
export function formatReport(report: LoadReport): string {
  const { latencyMs, targetRate } = report;
  const model =
    targetRate === null
      ? 'closed loop'
      : targetRate.from === targetRate.to
        ? `${targetRate.from} iterations/s wanted`
        : `${targetRate.from} to ${targetRate.to} iterations/s wanted`;
  const percentiles = ({ p50, p95, p99, 'p99.9': p999, max }: LoadReport['latencyMs']): string =>
    `p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}, p99.9 ${ms(p999)}, max ${ms(max)}`;
  const lines: [string, string][] = [
    [
      'scenario',
      `${report.scenario} by ${report.engine}, ${report.protocol}, ${report.clients} clients, ${model}`,
    ],
    ['requests', `${report.requests} in ${report.seconds.toFixed(1)} s: ${report.achievedRate.toFixed(1)}/s`],
    ['latency', percentiles(latencyMs)],
  ];
  const steps = Object.entries(report.steps);
  if (steps.length > 1) {
    for (const [name, seen] of steps) {
      lines.push([`  ${name}`, `${percentiles(seen.latencyMs)} (${seen.requests})`]);
    }
  }
  lines.push([
    'errors',
    report.firstError === null ? String(report.errors) : `${report.errors}, first: ${report.firstError}`,
  ]);
  if (report.dropped > 0)
    lines.push(['not sent', `${report.dropped}: no client was free when they were due`]);
  const cpu = report.generatorCpuMicrosecondsPerRequest;
  if (cpu !== null) lines.push(['load generator', `${cpu.toFixed(0)} µs of CPU a request`]);
  for (const { what, ok, found } of report.verdicts) {
    lines.push(['threshold', `${ok ? 'met' : 'NOT MET'}: ${what} (${found})`]);
  }
  const width = Math.max(16, ...lines.map(([name]) => name.length + 2));
  return `${lines.map(([name, text]) => `${name.padEnd(width)}${text}`).join('\n')}\n`;
}
