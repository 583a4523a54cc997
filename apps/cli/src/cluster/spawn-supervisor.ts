import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../ui/errors.js';
import { lastError } from './log-tail.js';
import { cliEntry } from './program.js';

/**
 * How a supervisor in a process of its own belongs to who started it. `detached`: it does not, and runs until `trireme
 * down`. `owned`: the cluster ends when its owner closes the channel between them, which death does as well.
 * `ephemeral`: its data go with it.
 */
export type SupervisorMode = 'detached' | 'owned' | 'ephemeral';

/** Tells the supervisor its mode. */
export const modeVariable = 'TRIREME_SUPERVISOR';

/** Messages of such a supervisor to who started it. */
export type SupervisorReport =
  | { readonly type: 'begin'; readonly title: string }
  | { readonly type: 'end'; readonly ok: boolean }
  | { readonly type: 'ready'; readonly warnings: readonly string[] }
  | { readonly type: 'failed'; readonly message: string; readonly hint?: string };

export interface SupervisorProcess {
  readonly mode: SupervisorMode;
  /** Of `trireme`: `up` and its flags. */
  readonly args: readonly string[];
  readonly dataDir: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Its standard input; default: nothing. */
  readonly input?: string;
  /** A step of the start begins; it is over when the promise settles. Its reason, where it fails, is that of the start. */
  readonly onStep?: (title: string, done: Promise<void>) => void;
}

/** Starts `trireme up` in a process of its own; its output goes to `logs/supervisor.log`. */
export function spawnSupervisor({
  mode,
  args,
  dataDir,
  env = process.env,
  input,
}: SupervisorProcess): ChildProcess {
  mkdirSync(join(dataDir, 'logs'), { recursive: true, mode: 0o700 });
  const log = openSync(logOf(dataDir), 'a', 0o600);
  const child = spawn(process.execPath, [cliEntry, ...args], {
    // Out of the terminal's reach: what ends it is `down` or its owner, in an orderly way.
    detached: true,
    stdio: [input === undefined ? 'ignore' : 'pipe', log, log, 'ipc'],
    env: { ...env, [modeVariable]: mode },
  });
  closeSync(log);
  child.stdin?.end(input);
  return child;
}

/** Resolves, with warnings, once the cluster is ready. Throws UserError when it does not start; it has ended then. */
export async function supervisorReady(
  child: ChildProcess,
  { dataDir, onStep = () => undefined }: SupervisorProcess,
): Promise<readonly string[]> {
  return new Promise<readonly string[]>((ready, failed) => {
    let settle: ((ok: boolean) => void) | undefined;
    let reason: UserError | undefined;
    child.on('message', (message) => {
      const report = message as SupervisorReport;
      if (report.type === 'begin') {
        const done = new Promise<void>((resolve, reject) => {
          settle = (ok) => (ok ? resolve() : reject(new Error(report.title)));
        });
        // Whoever does not draw the steps need not hear of one that fails.
        done.catch(() => undefined);
        onStep(report.title, done);
      } else if (report.type === 'end') settle?.(report.ok);
      else if (report.type === 'ready') {
        // How it ends from here on is another matter.
        child.off('exit', onExit);
        ready(report.warnings);
      } else reason = new UserError(report.message, report.hint);
    });
    child.once('error', failed);
    const onExit = (code: number | null, signal: string | null): void => {
      settle?.(false);
      // Flags that it refuses are the one thing that it cannot report, but has printed.
      const refused = signal === null ? lastError(logOf(dataDir)) : undefined;
      const how = refused ?? `the supervisor ended with ${signal ?? code}`;
      failed(reason ?? new UserError(how, `see ${logOf(dataDir)}`));
    };
    child.once('exit', onExit);
  });
}

function logOf(dataDir: string): string {
  return join(dataDir, 'logs', 'supervisor.log');
}
