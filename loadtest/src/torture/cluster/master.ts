import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { Tls } from '../../http2/http2-client.js';

/** One replica's own view, as `GET /trireme/v1/status` answers it. */
export interface ReplicaReport {
  readonly role: string;
  readonly term: number;
  readonly quorum: boolean;
  readonly appliedIndex: number;
  readonly ready: boolean;
}

export interface MasterOptions {
  readonly name: string;
  readonly address: string;
  readonly apiPort: number;
  readonly etcdPort: number;
  readonly dataDir: string;
  readonly logFile: string;
  readonly configFile: string;
  /** What starts it, up to its own arguments. */
  readonly command: readonly string[];
  readonly tls: Tls;
  /** It ended, and nobody had asked it to. */
  readonly onUnexpectedEnd: (master: Master, how: string) => void;
}

/** One real master process. Ended by its id alone; restarted only when asked. */
export class Master {
  readonly #options: MasterOptions;
  #child: ChildProcess | undefined;
  #ending = false;

  constructor(options: MasterOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get address(): string {
    return this.#options.address;
  }

  get dataDir(): string {
    return this.#options.dataDir;
  }

  get configFile(): string {
    return this.#options.configFile;
  }

  get apiServer(): string {
    return `https://${this.address}:${this.#options.apiPort}`;
  }

  get etcd(): string {
    return `${this.address}:${this.#options.etcdPort}`;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  start(env: Readonly<Record<string, string>> = {}): void {
    if (this.#child !== undefined) return;
    const log = openSync(this.#options.logFile, 'a');
    const [program = '', ...args] = this.#options.command;
    const child = spawn(program, args, {
      // The master ends when this pipe closes, so that a killed run leaves none behind.
      stdio: ['pipe', log, log],
      env: { ...process.env, TRIREME_SUPERVISED: '1', ...env },
      // Ctrl-C is for the run alone: it ends its masters itself.
      detached: true,
    });
    closeSync(log);
    child.stdin?.on('error', () => undefined);
    this.#child = child;
    this.#ending = false;
    child.once('exit', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      if (!this.#ending)
        this.#options.onUnexpectedEnd(this, `${signal ?? `exit code ${code}`}: ${this.#lastWords()}`);
    });
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL', 10_000);
  }

  /** In order: SIGTERM, and SIGKILL after the grace. */
  async stop(graceMs: number): Promise<void> {
    await this.#end('SIGTERM', graceMs);
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM', graceMs: number): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#ending = true;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGCONT');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Undefined when it cannot be reached within the time. */
  async report(timeoutMs = 1_000): Promise<ReplicaReport | undefined> {
    try {
      const { status, text } = await this.#call('GET', '/trireme/v1/status', undefined, timeoutMs);
      return status === 200 ? (JSON.parse(text) as ReplicaReport) : undefined;
    } catch {
      // Dead, paused or cut off: that is what the caller wants to know.
      return undefined;
    }
  }

  /** The master's own fault injection: it drops what passes between it and the named peers. */
  async partition(from: readonly string[], direction: 'both' | 'in' | 'out'): Promise<void> {
    await this.ask('POST', 'partition', { from, direction });
  }

  /** What the command line would ask of it, e.g. a change of members. Throws with its refusal. */
  async ask<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const { status, text } = await this.#call(method, `/trireme/v1/${path}`, sent, 5_000);
    if (status !== 200) throw new Error(`${this.name} refused ${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  async #call(
    method: string,
    path: string,
    body: string | undefined,
    timeoutMs: number,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { tls, apiPort } = this.#options;
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host: this.address,
          port: apiPort,
          path,
          method,
          ...tls,
          agent: false,
          headers: body === undefined ? {} : { 'content-type': 'application/json' },
          signal: AbortSignal.timeout(timeoutMs),
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          response.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  /** Why it ended, from its log. */
  #lastWords(): string {
    const lines = readFileSync(this.#options.logFile, 'utf8').trimEnd().split('\n');
    return (
      lines.findLast((line) => /^error: |"level":"?(fatal|error|50|60)/.test(line))?.slice(0, 400) ??
      '(its log says nothing)'
    );
  }
}
