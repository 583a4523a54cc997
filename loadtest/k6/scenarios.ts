/**
 * The load scenarios for k6, from the plan that `trireme load <scenario> --engine k6` writes:
 *
 *     k6 run -e LOAD_PLAN=plan.json -e LOAD_REPORT=report.json -e LOAD_ERROR_MARK=… -e LOAD_TICK_MARK=… loadtest/k6/scenarios.ts
 *
 * Each virtual user is one client with a connection of its own and the plan's client certificate. k6 has no option for
 * a certificate authority: SSL_CERT_FILE names it (Linux).
 */
import { sleep } from 'k6';
import exec from 'k6/execution';
import http, { type Response } from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import type { Options, Scenario } from 'k6/options';
import type { K6Report, K6Steps } from '../src/load/k6-report.ts';
import {
  faultOf,
  type Group,
  isReached,
  type LoadPlan,
  operationAt,
  pollMs,
  quantiles,
  requestOf,
  requestTimeoutSeconds,
  type Step,
  untilLimitMs,
} from '../src/load/plan.ts';

declare const console: { log(message: string): void };

const plan = JSON.parse(open(__ENV['LOAD_PLAN'] ?? '')) as LoadPlan;
const metricOf = (step: string): string => `load_${step.replaceAll(/\W/g, '_')}`;
const stepNames = [
  ...new Set(
    plan.groups.flatMap(({ operations }) => operations.flatMap(({ steps }) => steps.map((s) => s.name))),
  ),
];
const latencyOfAll = new Trend('load_all', true);
const errorsOfAll = new Counter('load_all_errors');
const latencies = new Map(stepNames.map((name) => [name, new Trend(metricOf(name), true)]));
const errors = new Map(stepNames.map((name) => [name, new Counter(`${metricOf(name)}_errors`)]));
let toldError = false;

export const options: Options = {
  scenarios: Object.fromEntries(plan.groups.map((group) => [group.name, arrival(group)])),
  tlsAuth: [{ cert: plan.tls.cert, key: plan.tls.key }],
  insecureSkipTLSVerify: __ENV['LOAD_INSECURE'] === '1',
  summaryTrendStats: ['count', 'avg', ...quantiles.map((q) => `p(${q})`)],
  setupTimeout: '30s',
};

interface Setup {
  readonly protocol: string;
}

/** One request before the load: a server that refuses this client fails here, with its reason. */
export function setup(): Setup {
  const answer = http.get(`${plan.servers[0]}/version`, { responseType: 'text', timeout: '10s' });
  if (answer.status !== 200) {
    throw new Error(`${plan.servers[0]} answers ${answer.status}: ${answer.error || String(answer.body)}`);
  }
  return { protocol: answer.proto };
}

export function load(): void {
  const group = plan.groups.find(({ name }) => name === exec.scenario.name);
  if (group === undefined) throw new Error(`the plan has no group ${exec.scenario.name}`);
  const n = exec.scenario.iterationInTest;
  if (n >= group.maximumIterations) {
    // The other virtual users may be amid their last ones.
    sleep(0.1);
    return;
  }
  const begunMs = Date.now();
  for (const step of operationAt(group, n).steps) if (!perform(group, step, n, begunMs)) break;
  flushOldTick();
}

/** False when the iteration ends here: what follows would build on an answer that was not the wanted one. */
function perform(group: Group, step: Step, n: number, begunMs: number): boolean {
  const vu = exec.vu.idInTest - 1;
  const server = plan.servers[vu % plan.servers.length] ?? '';
  for (;;) {
    // A group's virtual users are numbered with the others': each has the one client that none shares with it.
    const { path, body } = requestOf(group, step, n, vu % group.clients, Date.now());
    const answer = http.request(step.method, server + path, body, {
      headers: {
        accept: 'application/json',
        ...(step.contentType === null ? {} : { 'content-type': step.contentType }),
      },
      // A body that nobody looks at is not kept.
      responseType: step.minimumLines > 0 || step.until !== null ? 'text' : 'none',
      timeout: `${requestTimeoutSeconds}s`,
      // Without a name of its own every pod's URL would be a time series.
      tags: { name: step.name },
    });
    const text = typeof answer.body === 'string' ? answer.body : null;
    let fault = answer.status === 0 ? answer.error : faultOf(step, answer.status, text);
    if (fault === undefined && !isReached(step, text)) {
      if (Date.now() - begunMs <= untilLimitMs) {
        sleep(pollMs / 1_000);
        continue;
      }
      fault = `${step.name} did not end within ${untilLimitMs} ms`;
    }
    record(step, answer, fault, begunMs);
    return fault === undefined;
  }
}

function record(step: Step, answer: Response, fault: string | undefined, begunMs: number): void {
  if (fault !== undefined) {
    errorsOfAll.add(1);
    errors.get(step.name)?.add(1);
    tickOf(step.name).errors++;
    if (!toldError) console.log(`${__ENV['LOAD_ERROR_MARK'] ?? ''}${fault}`);
    toldError = true;
    return;
  }
  const { duration, waiting } = answer.timings;
  const latency =
    step.until === null ? (step.latencyOf === 'response' ? duration : waiting) : Date.now() - begunMs;
  latencyOfAll.add(latency);
  latencies.get(step.name)?.add(latency);
  tickOf(step.name).latenciesMs.push(Math.round(latency * 1_000) / 1_000);
}

/** What this virtual user has seen since it last told: k6's own totals have no timeline. */
let tick = { second: 0, steps: new Map<string, { latenciesMs: number[]; errors: number }>() };

function tickOf(step: string): { latenciesMs: number[]; errors: number } {
  flushOldTick();
  let seen = tick.steps.get(step);
  if (seen === undefined) tick.steps.set(step, (seen = { latenciesMs: [], errors: 0 }));
  return seen;
}

function flushOldTick(): void {
  const elapsedMs = Date.now() - exec.scenario.startTime;
  const second = Math.floor(elapsedMs / 1_000);
  // Nobody calls a virtual user when the load is over: towards the end it tells after every request.
  const ends = elapsedMs > plan.seconds * 1_000 - 300;
  if (second === tick.second && !ends) return;
  if (tick.steps.size > 0) {
    const steps = [...tick.steps].map(([step, seen]) => ({ step, ...seen }));
    console.log(`${__ENV['LOAD_TICK_MARK'] ?? ''}${JSON.stringify({ second: tick.second, steps })}`);
  }
  tick = { second, steps: new Map() };
}

function arrival({ clients, rate }: Group): Scenario {
  const common = { exec: 'load', gracefulStop: '3s' };
  const duration = `${Math.round(plan.seconds * 1_000)}ms`;
  if (rate === null) return { ...common, executor: 'constant-vus', vus: clients, duration };
  const users = { preAllocatedVUs: clients, maxVUs: clients };
  if (rate.from === rate.to) {
    return {
      ...common,
      ...users,
      executor: 'constant-arrival-rate',
      rate: rate.from,
      timeUnit: '1s',
      duration,
    };
  }
  return {
    ...common,
    ...users,
    executor: 'ramping-arrival-rate',
    startRate: rate.from,
    timeUnit: '1s',
    stages: [{ target: rate.to, duration }],
  };
}

interface Summary {
  readonly metrics: Readonly<
    Record<string, { readonly values: Readonly<Record<string, number>> } | undefined>
  >;
  readonly state: { readonly testRunDurationMs: number };
  readonly setup_data?: Setup;
}

export function handleSummary(summary: Summary): Record<string, string> {
  const value = (metric: string, name: string): number => summary.metrics[metric]?.values[name] ?? 0;
  const steps = (metric: string): K6Steps => ({
    count: value(metric, 'count'),
    errors: value(`${metric}_errors`, 'count'),
    mean: value(metric, 'avg'),
    quantiles: quantiles.map((q) => [q, value(metric, `p(${q})`)] as const),
  });
  const report: K6Report = {
    protocol: summary.setup_data?.protocol ?? 'unknown',
    seconds: Math.min(summary.state.testRunDurationMs / 1_000, plan.seconds),
    dropped: value('dropped_iterations', 'count'),
    all: steps('load_all'),
    steps: Object.fromEntries(stepNames.map((name) => [name, steps(metricOf(name))])),
  };
  return { [__ENV['LOAD_REPORT'] ?? 'report.json']: JSON.stringify(report) };
}
