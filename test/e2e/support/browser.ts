import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { delimiter, join } from 'node:path';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { TestCluster } from './cluster.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The system's Chromium, without anything that would speak to the outside. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'chromium'))
    .find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error('chromium is not on the PATH');
  return chromium.launch({
    executablePath,
    headless: true,
    // Its user data directory is a temporary one of its own.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** `trireme dashboard` as a user runs it. */
export class DashboardListener {
  readonly #process: ChildProcess;
  readonly url: string;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  static async start(cluster: TestCluster): Promise<DashboardListener> {
    const child = spawn(process.execPath, [join(root, 'bin/trireme.mjs'), 'dashboard'], {
      env: { ...process.env, ...cluster.environment() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('exit', (code) => reject(new Error(`trireme dashboard ended with ${code}: ${said}`)));
    });
    return new DashboardListener(child, url);
  }

  /** Ends it as Ctrl-C does; resolves to its exit code. */
  async stop(): Promise<number | null> {
    if (this.#process.exitCode !== null) return this.#process.exitCode;
    const ended = new Promise<number | null>((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGINT');
    return ended;
  }
}

/** What a page complained about, and where it asked: both are to stay empty of surprises. */
export class PageWitness {
  readonly complaints: string[] = [];
  readonly origins = new Set<string>();

  constructor(page: Page) {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('request', (request) => this.origins.add(new URL(request.url()).origin));
  }
}
