/**
 * The load scenarios for k6, from the plan that `npm run load -- <scenario> --engine k6` writes:
 *
 *     k6 run -e LOAD_PLAN=plan.json -e LOAD_REPORT=report.json -e LOAD_ERROR_MARK=… loadtest/k6/scenarios.ts
 *
 * Each virtual user is one client with a connection of its own and the plan's client certificate. k6 has no option for
 * a certificate authority: SSL_CERT_FILE names it (Linux).
 */
import exec from 'k6/execution';
import http, { type Response } from 'k6/http';
import { Rate, Trend } from 'k6/metrics';
import type { Options, Scenario } from 'k6/options';
import { type EngineReport, faultOf, type LoadPlan, requestAt } from '../src/load/plan.ts';

declare const console: { error(message: string): void };

const plan = JSON.parse(open(__ENV['LOAD_PLAN'] ?? '')) as LoadPlan;
const latency = new Trend('load_latency', true);
const errors = new Rate('load_errors');
const headers: Record<string, string> = { accept: 'application/json' };
if (plan.work.body !== null) headers['content-type'] = 'application/json';
// A body that nobody looks at is not kept.
const responseType = plan.work.minimumLines > 0 ? 'text' : 'none';
let toldError = false;

export const options: Options = {
  scenarios: { [plan.scenario]: arrival() },
  tlsAuth: [{ cert: plan.tls.cert, key: plan.tls.key }],
  insecureSkipTLSVerify: __ENV['LOAD_INSECURE'] === '1',
  summaryTrendStats: ['avg', 'max', 'p(50)', 'p(95)', 'p(99)', 'p(99.9)'],
  // The tag is the scenario's name, so that runs of several scenarios can be told apart.
  thresholds: thresholds(),
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
  const n = exec.scenario.iterationInTest;
  if (n >= plan.maximumRequests) exec.test.abort('as many requests as are allowed were sent');
  const server = plan.servers[exec.vu.idInTest % plan.servers.length] ?? '';
  const { path, body } = requestAt(plan.work, n);
  const answer = http.request(plan.work.method, server + path, body, {
    headers,
    responseType,
    timeout: '30s',
    // Without a name of its own every pod's URL would be a time series.
    tags: { name: plan.scenario },
  });
  record(answer);
}

function record(answer: Response): void {
  const fault =
    answer.error === '' || answer.status !== 0
      ? faultOf(plan.work, answer.status, typeof answer.body === 'string' ? answer.body : null)
      : answer.error;
  errors.add(fault !== undefined);
  if (fault === undefined) {
    latency.add(plan.work.latencyOf === 'response' ? answer.timings.duration : answer.timings.waiting);
  } else if (!toldError) {
    toldError = true;
    console.error(`${__ENV['LOAD_ERROR_MARK'] ?? ''}${fault}`);
  }
}

function arrival(): Scenario {
  const common = { exec: 'load', gracefulStop: '3s' };
  const duration = `${Math.round(plan.seconds * 1_000)}ms`;
  if (plan.rate === null) return { ...common, executor: 'constant-vus', vus: plan.clients, duration };
  return {
    ...common,
    executor: 'constant-arrival-rate',
    rate: plan.rate,
    timeUnit: '1s',
    duration,
    preAllocatedVUs: plan.clients,
    maxVUs: plan.clients,
  };
}

function thresholds(): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { of, operator, limit } of plan.thresholds) {
    const metric = `${of === 'errors' ? 'load_errors' : 'load_latency'}{scenario:${plan.scenario}}`;
    const value = of === 'errors' ? 'rate' : `p(${of.slice(1)})`;
    (found[metric] ??= []).push(`${value}${operator}${limit}`);
  }
  return found;
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
  const failed = value('load_errors', 'passes');
  const report: EngineReport = {
    engine: 'k6',
    protocol: summary.setup_data?.protocol ?? 'unknown',
    seconds: summary.state.testRunDurationMs / 1_000,
    requests: failed + value('load_errors', 'fails'),
    errors: failed,
    firstError: null,
    dropped: value('dropped_iterations', 'count'),
    latencyMs: {
      p50: value('load_latency', 'p(50)'),
      p95: value('load_latency', 'p(95)'),
      p99: value('load_latency', 'p(99)'),
      'p99.9': value('load_latency', 'p(99.9)'),
      mean: value('load_latency', 'avg'),
      max: value('load_latency', 'max'),
    },
    coordinatedOmission: plan.rate === null ? 'none' : 'open-model',
  };
  return { [__ENV['LOAD_REPORT'] ?? 'report.json']: `${JSON.stringify(report, undefined, 2)}\n` };
}
