/**
 * `npm run load`: puts one scenario on a cluster of this machine with autocannon or k6, and prints rate, percentiles and
 * errors. Exits 1 when a threshold is not met. It works in a namespace of its own and removes it.
 *
 *     npm run load -- create --clients 64 --duration 10s
 *     npm run load -- read --engine k6 --rate 2000 --threshold 'p99<50' --json read.json
 */
import { writeFileSync } from 'node:fs';
import { reportError } from '../../apps/cli/src/ui/errors.js';
import { Http2Client } from './http2/http2-client.js';
import { makeNamespace } from './measures/closed-loop.js';
import { fillPods } from './measures/pods.js';
import { type LoadArguments, parseArguments } from './load/arguments.js';
import { runAutocannon } from './load/autocannon.js';
import { requireK6, runK6 } from './load/k6.js';
import type { EngineReport, LoadPlan } from './load/plan.js';
import { cpuSeconds, formatReport, type LoadReport, makeReport } from './load/report.js';
import { scenarios } from './load/scenarios.js';
import { openTarget } from './load/target.js';
import type { Target } from './targets/target.js';

try {
  const wanted = parseArguments(process.argv.slice(2));
  // Asked before a cluster is started in vain.
  const k6 = wanted.engine === 'k6' ? requireK6() : undefined;
  const target = await openTarget(wanted.target);
  try {
    const report = await withNamespace(target, wanted.pods, async (namespace) =>
      measure(planOf(wanted, target, namespace), k6),
    );
    process.stdout.write(formatReport(report));
    if (wanted.json !== undefined) writeFileSync(wanted.json, `${JSON.stringify(report, undefined, 2)}\n`);
    process.exitCode = report.ok ? 0 : 1;
  } finally {
    await target.stop();
  }
} catch (error) {
  process.exitCode = reportError(error);
}

function planOf(wanted: LoadArguments, target: Target, namespace: string): LoadPlan {
  const scenario = scenarios[wanted.scenario];
  return {
    scenario: wanted.scenario,
    work: scenario.work(namespace, wanted.pods),
    servers: target.servers,
    tls: target.tls,
    clients: wanted.clients,
    rate: wanted.rate,
    seconds: wanted.seconds,
    maximumRequests: scenario.maximumRequests,
    thresholds: wanted.thresholds,
  };
}

async function measure(plan: LoadPlan, k6: string | undefined): Promise<LoadReport> {
  const who = k6 === undefined ? 'self' : 'children';
  const startedAt = new Date();
  const before = cpuSeconds(who);
  const measured: EngineReport = k6 === undefined ? await runAutocannon(plan) : await runK6(plan, k6);
  const after = cpuSeconds(who);
  return makeReport(plan, measured, {
    startedAt,
    cpuSeconds: before === undefined || after === undefined ? undefined : after - before,
  });
}

/** A namespace with `pods` pods for the time of the work; removed afterwards, whatever became of it. */
async function withNamespace<T>(
  target: Target,
  pods: number,
  work: (namespace: string) => Promise<T>,
): Promise<T> {
  const namespace =
    pods === 0 ? await makeNamespace(target, `load-${process.pid}`) : await fillPods(target, pods);
  try {
    return await work(namespace);
  } finally {
    await removeNamespace(target, namespace);
  }
}

/** By any server that answers: the load may have outlived one. What fails is said, and hides no result of the load. */
async function removeNamespace(target: Target, namespace: string): Promise<void> {
  const faults: string[] = [];
  for (const server of target.servers) {
    const client = new Http2Client(server, target.tls);
    try {
      const path = `/api/v1/namespaces/${namespace}`;
      const { status, body } = await client.request('DELETE', path, undefined, { timeoutMs: 30_000 });
      if (status < 300) return;
      faults.push(`${status} ${body.toString()}`);
    } catch (error) {
      faults.push((error as Error).message);
    } finally {
      client.close();
    }
  }
  process.stderr.write(`namespace ${namespace} stays: ${faults.join('; ')}\n`);
}
