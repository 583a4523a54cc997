import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Told of each start and end; `pid` is undefined once it has ended. */
  readonly onChange: (pid: number | undefined) => void;
}

/** Starting a process takes a core for most of a second: the others elect their leader before that. */
const firstDelayMs = 250;
const longestDelayMs = 10_000;
/** A process that lived this long has recovered: its next end counts as the first. */
const settledMs = 5_000;
const rotateAtBytes = 32 * 1024 * 1024;

/** Keeps one process running: back within a second when it dies, later and later when it keeps dying. */
export class SupervisedChild {
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = firstDelayMs;
  #wanted = false;
  #lastExit: string | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** How the process last ended, for the message when the cluster does not come up. */
  get lastExit(): string | undefined {
    return this.#lastExit;
  }

  start(): void {
    this.#wanted = true;
    clearTimeout(this.#timer);
    if (this.#process === undefined) this.#spawn();
  }

  /** Ends the process by SIGKILL; unless `stayDown`, it is started again as after any death. */
  kill(stayDown: boolean): void {
    if (stayDown) {
      this.#wanted = false;
      clearTimeout(this.#timer);
    }
    this.#process?.kill('SIGKILL');
  }

  /** SIGTERM, then SIGKILL after the grace; resolves when the process has ended. */
  async stop(graceMs: number): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#timer);
    const child = this.#process;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    // A paused process handles no SIGTERM until it is continued.
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
  }

  #spawn(): void {
    rotate(this.#options.logFile);
    const log = openSync(this.#options.logFile, 'a', 0o600);
    const child = spawn(this.#options.command, this.#options.args, {
      // The child ends when this pipe closes, so that a killed supervisor leaves nothing behind.
      stdio: ['pipe', log, log],
      // Two arenas are enough for a master's few threads; glibc would take eight a core and hold on to their memory.
      env: { MALLOC_ARENA_MAX: '2', ...process.env, ...this.#options.env, TRIREME_SUPERVISED: '1' },
    });
    closeSync(log);
    const startedAt = Date.now();
    this.#process = child;
    const ended = (how: string): void => {
      if (this.#process !== child) return;
      this.#process = undefined;
      this.#lastExit = how;
      this.#options.onChange(undefined);
      if (!this.#wanted) return;
      this.#delayMs = Date.now() - startedAt > settledMs ? firstDelayMs : this.#delayMs;
      this.#timer = setTimeout(() => this.#spawn(), this.#delayMs);
      this.#delayMs = Math.min(this.#delayMs * 2, longestDelayMs);
    };
    child.stdin?.on('error', () => undefined);
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
    this.#options.onChange(child.pid);
  }
}

function rotate(file: string): void {
  try {
    if (statSync(file).size > rotateAtBytes) renameSync(file, `${file}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
