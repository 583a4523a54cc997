import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { EngineReport, LoadPlan, Threshold } from './plan.js';

/** What `--json` writes, whatever the engine. */
export interface LoadReport extends EngineReport {
  readonly schema: 'load.trireme.dev/v1';
  readonly scenario: string;
  readonly startedAt: string;
  readonly clients: number;
  readonly targetRate: number | null;
  readonly achievedRate: number;
  readonly latencyOf: 'response' | 'first-byte';
  readonly thresholds: readonly {
    readonly threshold: string;
    readonly value: number;
    readonly ok: boolean;
  }[];
  readonly ok: boolean;
  /** CPU time of the load generator alone, its start included; null where the system does not tell. */
  readonly generatorCpuMicrosecondsPerRequest: number | null;
  readonly servers: readonly string[];
  readonly machine: { readonly cpus: number; readonly model: string; readonly node: string };
}

export function makeReport(
  plan: LoadPlan,
  measured: EngineReport,
  about: { readonly startedAt: Date; readonly cpuSeconds: number | undefined },
): LoadReport {
  const good = measured.requests - measured.errors;
  // Without a single good answer there are no latencies to judge, and zeros would pass.
  const thresholds = plan.thresholds.map((threshold) => {
    const value = valueOf(threshold, measured);
    return { threshold: formatThreshold(threshold), value, ok: good > 0 && meets(threshold, value) };
  });
  return {
    schema: 'load.trireme.dev/v1',
    scenario: plan.scenario,
    startedAt: about.startedAt.toISOString(),
    clients: plan.clients,
    targetRate: plan.rate,
    achievedRate: measured.seconds === 0 ? 0 : measured.requests / measured.seconds,
    latencyOf: plan.work.latencyOf,
    ...measured,
    thresholds,
    ok: thresholds.every(({ ok }) => ok),
    generatorCpuMicrosecondsPerRequest:
      about.cpuSeconds === undefined || measured.requests === 0
        ? null
        : (about.cpuSeconds * 1e6) / measured.requests,
    servers: plan.servers,
    machine: { cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', node: process.version },
  };
}

export function formatReport(report: LoadReport): string {
  const { latencyMs } = report;
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
  const target = report.targetRate === null ? 'closed loop' : `${report.targetRate}/s wanted`;
  const cpu = report.generatorCpuMicrosecondsPerRequest;
  const lines: [string, string][] = [
    [
      'scenario',
      `${report.scenario} by ${report.engine}, ${report.protocol}, ${report.clients} clients, ${target}`,
    ],
    ['requests', `${report.requests} in ${report.seconds.toFixed(1)} s: ${report.achievedRate.toFixed(1)}/s`],
    [
      report.latencyOf === 'response' ? 'latency' : 'first byte',
      `p50 ${ms(latencyMs.p50)}, p95 ${ms(latencyMs.p95)}, p99 ${ms(latencyMs.p99)}, p99.9 ${ms(latencyMs['p99.9'])}, max ${ms(latencyMs.max)}`,
    ],
    [
      'errors',
      report.firstError === null ? String(report.errors) : `${report.errors}, first: ${report.firstError}`,
    ],
  ];
  if (report.dropped > 0)
    lines.push(['not sent', `${report.dropped}: no client was free when they were due`]);
  if (cpu !== null) lines.push(['load generator', `${cpu.toFixed(0)} µs of CPU a request`]);
  for (const { threshold, value, ok } of report.thresholds) {
    lines.push(['threshold', `${ok ? 'met' : 'NOT MET'}: ${threshold} (${Number(value.toFixed(4))})`]);
  }
  return `${lines.map(([name, text]) => `${name.padEnd(16)}${text}`).join('\n')}\n`;
}

/**
 * CPU seconds that this process and the children it has waited for have used so far; undefined for the children where
 * there is no /proc.
 */
export function cpuSeconds(of: 'self' | 'children'): number | undefined {
  if (of === 'self') {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }
  try {
    // The name in the second field may hold blanks; cutime and cstime (in hundredths) are 13 and 14 after it.
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    // Not Linux.
    return undefined;
  }
}

function formatThreshold({ of, operator, limit }: Threshold): string {
  return `${of}${operator}${limit}`;
}

function valueOf({ of }: Threshold, measured: EngineReport): number {
  if (of !== 'errors') return measured.latencyMs[of];
  return measured.requests === 0 ? 1 : measured.errors / measured.requests;
}

function meets({ operator, limit }: Threshold, value: number): boolean {
  return operator === '<' ? value < limit : value <= limit;
}
