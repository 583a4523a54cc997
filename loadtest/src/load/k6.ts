import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../apps/cli/src/ui/errors.js';
import { findProgram } from '../processes.js';
import type { EngineReport, LoadPlan } from './plan.js';

const version = 'v1.8.1';
/** Stands before a request's error in k6's output. */
const errorMark = 'load-error: ';
/** k6's exit code when a threshold was crossed; the report is whole then. */
const thresholdsCrossed = 99;

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

/** Runs a plan with k6: HTTP/2, one connection a virtual user, loadtest/k6/scenarios.ts. */
export async function runK6(plan: LoadPlan, k6: string): Promise<EngineReport> {
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
      LOAD_ERROR_MARK: errorMark,
      LOAD_INSECURE: verifies ? '0' : '1',
      SSL_CERT_FILE: file('ca.pem', plan.tls.ca),
      SSL_CERT_DIR: directory,
      K6_NO_USAGE_REPORT: 'true',
    };
    const { code, output } = await run(k6, environment, plan.seconds * 1_000 + 120_000);
    const text = existsSync(report) ? readFileSync(report, 'utf8') : undefined;
    if (text === undefined || (code !== 0 && code !== thresholdsCrossed)) {
      throw new Error(`k6 ended with ${code}:\n${output.slice(-2_000).trim()}`);
    }
    return { ...(JSON.parse(text) as EngineReport), firstError: firstError(output) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function run(
  k6: string,
  environment: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<{ readonly code: number | null; readonly output: string }> {
  // An empty address: no control port, which a second k6 would find taken.
  const args = ['run', '--quiet', '--log-format', 'raw', '--address', '', scenarioFile()];
  return new Promise((resolve, reject) => {
    const child = spawn(k6, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      if (output.length < 1 << 20) output += chunk.toString('utf8');
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

function firstError(output: string): string | null {
  const line = output.split('\n').find((text) => text.includes(errorMark));
  return line === undefined ? null : line.slice(line.indexOf(errorMark) + errorMark.length);
}

/** The scenario file is not built: it is found from the sources and from `dist/` alike. */
function scenarioFile(): string {
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const path = join(folder, 'loadtest', 'k6', 'scenarios.ts');
    if (existsSync(path)) return path;
  }
  throw new Error('loadtest/k6/scenarios.ts is missing from this installation');
}
