import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts, until } from './cluster.js';

interface Member {
  readonly name: string;
  readonly clientPort: number;
  readonly args: readonly string[];
  process: ChildProcess | undefined;
}

export interface TestEtcdOptions {
  readonly members?: number;
  /** Further flags of every member, e.g. for TLS. */
  readonly args?: readonly string[];
  readonly secure?: boolean;
}

/** The etcd of the PATH, as real processes on loopback: members can be killed and come back to their data. */
export class TestEtcd {
  readonly #members: readonly Member[];
  readonly #directory: string;
  readonly #scheme: string;

  private constructor(directory: string, members: readonly Member[], scheme: string) {
    this.#directory = directory;
    this.#members = members;
    this.#scheme = scheme;
  }

  static async start(options: TestEtcdOptions = {}): Promise<TestEtcd> {
    const directory = mkdtempSync(join(tmpdir(), 'trireme-etcd-'));
    const count = options.members ?? 1;
    const ports = await freePorts(count * 2);
    const scheme = options.secure === true ? 'https' : 'http';
    const names = Array.from({ length: count }, (_, i) => `etcd-${i}`);
    const peerUrl = (i: number): string => `http://127.0.0.1:${ports[count + i]}`;
    const initial = names.map((name, i) => `${name}=${peerUrl(i)}`).join(',');
    const members = names.map((name, i): Member => {
      const clientUrl = `${scheme}://127.0.0.1:${ports[i]}`;
      const flags = {
        name,
        'data-dir': join(directory, name),
        'listen-client-urls': clientUrl,
        'advertise-client-urls': clientUrl,
        'listen-peer-urls': peerUrl(i),
        'initial-advertise-peer-urls': peerUrl(i),
        'initial-cluster': initial,
        'heartbeat-interval': '50',
        'election-timeout': '250',
        'log-level': 'error',
        logger: 'zap',
      };
      const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
      return { name, clientPort: ports[i]!, args: [...args, ...(options.args ?? [])], process: undefined };
    });
    const etcd = new TestEtcd(directory, members, scheme);
    for (let i = 0; i < count; i++) etcd.#spawn(i);
    await Promise.all(members.map((member) => listening(member.clientPort)));
    return etcd;
  }

  get hosts(): string {
    return this.#members.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join(',');
  }

  #spawn(i: number): void {
    const member = this.#members[i]!;
    member.process = spawn('etcd', member.args, { stdio: 'ignore' });
  }

  /** kill -9. */
  async kill(i = 0): Promise<void> {
    const member = this.#members[i]!;
    const { process: child } = member;
    if (child === undefined) return;
    member.process = undefined;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async restart(i = 0): Promise<void> {
    this.#spawn(i);
    await listening(this.#members[i]!.clientPort);
  }

  /** Which member leads, as one of those that run says. */
  async leaderIndex(): Promise<number> {
    const status = JSON.parse(await this.ctl(['endpoint', 'status', '-w', 'json'])) as {
      readonly Status: { readonly header: { readonly member_id: number }; readonly leader: number };
    }[];
    return status.findIndex(({ Status }) => Status.leader === Status.header.member_id);
  }

  /** etcdctl against all members; resolves to its output. */
  async ctl(args: readonly string[]): Promise<string> {
    const endpoints = this.#members
      .filter((member) => member.process !== undefined)
      .map(({ clientPort }) => `${this.#scheme}://127.0.0.1:${clientPort}`);
    const { stdout } = await promisify(execFile)('etcdctl', args, {
      env: { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoints.join() },
    });
    return stdout;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((_, i) => this.kill(i)));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function listening(port: number): Promise<void> {
  let open = false;
  const attempt = (): void => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      open = true;
      socket.destroy();
    });
    socket.once('error', () => setTimeout(attempt, 20));
  };
  attempt();
  await until(`etcd listens on ${port}`, () => open, 30_000);
}
