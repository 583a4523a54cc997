import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { UserError } from '../../../apps/cli/src/ui/errors.js';
import { findProgram } from '../processes.js';
import { summaryOf } from '../stats.js';
import type { K6Report, K6Steps } from './k6-report.js';
import type { LoadPlan } from './plan.js';
import { Recorder, type EngineReport } from './recorder.js';
import type { Tick } from './ticks.js';

const version = 'v1.8.1';
/** What stands before a line of the scenario script in k6's output, and what such a line holds. */
const marks = { error: 'load-error: ', tick: 'load-tick: ' };

/** The full path of k6; a UserError that says how to get it when it is not there. */
export function requireK6(): string {
  const found = findProgram('k6');
  if (found !== undefined) return found;
  throw new UserError(
    'k6 is not on the PATH',
    `install it with Go (\`go install go.k6.io/k6@${version}\`, then put $(go env GOPATH)/bin on the PATH) ` +
      'or from https://grafana.com/docs/k6/latest/set-up/install-k6/; `--engine autocannon` needs nothing',
  );
}

export interface K6Options {
  readonly k6: string;
  /** Told of what virtual users have seen, about once a second each: the timeline. Totals are k6's own. */
  readonly recorder: Recorder;
  readonly signal: AbortSignal;
}

/** Runs a plan with k6: HTTP/2, one connection a virtual user, loadtest/k6/scenarios.ts. */
export async function runK6(plan: LoadPlan, { k6, recorder, signal }: K6Options): Promise<EngineReport> {
  const directory = mkdtempSync(join(tmpdir(), 'trireme-k6-'));
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  try {
    const report = join(directory, 'report.json');
    // Go takes a certificate authority from the environment on Linux and BSD only.
    const verifies = process.platform !== 'darwin' && process.platform !== 'win32';
    const environment = {
      LOAD_PLAN: file('plan.json', JSON.stringify(plan)),
      LOAD_REPORT: report,
      LOAD_ERROR_MARK: marks.error,
      LOAD_TICK_MARK: marks.tick,
      LOAD_INSECURE: verifies ? '0' : '1',
      SSL_CERT_FILE: file('ca.pem', plan.tls.ca),
      SSL_CERT_DIR: directory,
      K6_NO_USAGE_REPORT: 'true',
    };
    const before = childrenCpuSeconds();
    recorder.begin();
    const { code, output } = await run(k6, environment, plan.seconds * 1_000 + 180_000, recorder, signal);
    recorder.end();
    const after = childrenCpuSeconds();
    const text = existsSync(report) ? readFileSync(report, 'utf8') : undefined;
    if (text === undefined || code !== 0) throw new Error(`k6 ended with ${code}:\n${output.slice(-2_000)}`);
    const cpuSeconds = before === undefined || after === undefined ? null : after - before;
    return merge(plan, JSON.parse(text) as K6Report, recorder, cpuSeconds);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Totals and percentiles of k6's own metrics, the timeline of the ticks. */
function merge(
  plan: LoadPlan,
  measured: K6Report,
  recorder: Recorder,
  cpuSeconds: number | null,
): EngineReport {
  const { firstError, timeline } = recorder.report({
    engine: 'k6',
    protocol: measured.protocol,
    missed: 0,
    cpuSeconds,
    openModel: true,
  });
  const latencyOf = ({ count, mean, quantiles }: K6Steps): EngineReport['latencyMs'] =>
    summaryOf(count, mean, (p) => quantiles.find(([q]) => q === p)?.[1] ?? 0);
  return {
    engine: 'k6',
    protocol: measured.protocol,
    seconds: measured.seconds,
    requests: measured.all.count + measured.all.errors,
    errors: measured.all.errors,
    firstError,
    dropped: measured.dropped,
    latencyMs: latencyOf(measured.all),
    steps: Object.fromEntries(
      Object.entries(measured.steps).map(([name, seen]) => [
        name,
        { requests: seen.count + seen.errors, errors: seen.errors, latencyMs: latencyOf(seen) },
      ]),
    ),
    timeline,
    coordinatedOmission: plan.groups[0]?.rate === null ? 'none' : 'open-model',
    generatorCpuSeconds: cpuSeconds,
  };
}

async function run(
  k6: string,
  environment: Readonly<Record<string, string>>,
  timeoutMs: number,
  recorder: Recorder,
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly output: string }> {
  // An empty address: no control port, which a second k6 would find taken.
  const args = ['run', '--quiet', '--log-format', 'raw', '--address', '', scenarioFile()];
  return new Promise((resolve, reject) => {
    const child = spawn(k6, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      signal,
    });
    let output = '';
    const take = (line: string): void => {
      const tick = after(line, marks.tick);
      const fault = after(line, marks.error);
      if (tick !== undefined) recorder.tick(JSON.parse(tick) as Tick);
      else if (fault !== undefined) recorder.fault(fault);
      else if (output.length < 1 << 20) output += `${line}\n`;
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

function after(line: string, mark: string): string | undefined {
  const at = line.indexOf(mark);
  return at === -1 ? undefined : line.slice(at + mark.length);
}

/** The scenario file is not built: it is where the package is. */
function scenarioFile(): string {
  const root = dirname(createRequire(import.meta.url).resolve('#package.json'));
  const path = join(root, 'loadtest', 'k6', 'scenarios.ts');
  if (existsSync(path)) return path;
  throw new UserError(`${path} is missing from this installation`, '`--engine autocannon` needs nothing');
}

/** CPU seconds of the children that this process has waited for so far; undefined where there is no /proc. */
function childrenCpuSeconds(): number | undefined {
  try {
    // The name in the second field may hold blanks; cutime and cstime (in hundredths) are 13 and 14 after it.
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    // Not Linux.
    return undefined;
  }
}
