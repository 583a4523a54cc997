import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CommandResult } from './cluster.js';
import { eventually } from './cluster.js';

const cli = fileURLToPath(new URL('../../../bin/trireme.mjs', import.meta.url));

/** A program that runs beside the test, whose output can be waited on. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  #stdout = '';
  #stderr = '';

  /** `input` is written to it at once; its standard input then stays open. */
  constructor(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    input?: string,
  ) {
    this.#child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    if (input !== undefined) this.#child.stdin?.write(input);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => resolve(code ?? 1));
    });
  }

  static trireme(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    return new Program(process.execPath, [cli, ...args], env);
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Waits until the output matches. */
  async prints(pattern: RegExp, timeoutMs = 20_000): Promise<void> {
    await eventually(
      `output that matches ${pattern}`,
      async () => {
        if (pattern.test(this.#stdout + this.#stderr)) return true;
        if (this.#child.exitCode !== null) throw new Error(`it ended: ${this.#stdout}${this.#stderr}`);
        return false;
      },
      timeoutMs,
    );
  }

  async ended(): Promise<CommandResult> {
    const code = await this.#ended;
    return { code, stdout: this.#stdout, stderr: this.#stderr };
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    await this.#ended;
  }
}
