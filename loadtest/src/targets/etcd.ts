import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureEtcdPki, issueCertificate } from '#libs/pki';
import type { Tls } from '../http2/http2-client.js';
import { findProgram, freePorts, startProgram, stopProgram, waitFor } from '../processes.js';
import { EtcdConnection, type EtcdStatus } from '../services/etcd-connection.js';

const statusTimeoutMs = 1_000;

export interface EtcdOptions {
  /** Where data and logs lie; the caller removes it. */
  readonly directory: string;
  readonly members: number;
  /** Files of one certificate for all members, clients and peers alike; undefined: plain HTTP. */
  readonly files?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** What its clients use; undefined with plain HTTP. */
  readonly tls?: Tls;
}

/** The members of a real etcd on loopback, from the PATH; each can be ended and started again. */
export class EtcdMembers {
  readonly urls: readonly string[];
  readonly #options: EtcdOptions;
  readonly #args: readonly (readonly string[])[];
  readonly #children: ChildProcess[];

  private constructor(options: EtcdOptions, ports: readonly number[]) {
    const { members, directory, files } = options;
    const scheme = files === undefined ? 'http' : 'https';
    const url = (kind: number, i: number): string => `${scheme}://127.0.0.1:${ports[kind * members + i]}`;
    const index = Array.from({ length: members }, (_, i) => i);
    const cluster = index.map((i) => `m${i}=${url(1, i)}`).join(',');
    this.#options = options;
    this.urls = index.map((i) => url(0, i));
    this.#args = index.map((i) => {
      mkdirSync(join(directory, `etcd${i}`), { mode: 0o700 });
      return [
        `--name=m${i}`,
        `--data-dir=${join(directory, `etcd${i}`)}`,
        `--listen-client-urls=${url(0, i)}`,
        `--advertise-client-urls=${url(0, i)}`,
        `--listen-peer-urls=${url(1, i)}`,
        `--initial-advertise-peer-urls=${url(1, i)}`,
        `--initial-cluster=${cluster}`,
        '--quota-backend-bytes=8000000000',
        ...(files === undefined ? [] : tlsArgs(files)),
      ];
    });
    this.#children = index.map((i) => this.#start(i));
  }

  static async start(options: EtcdOptions): Promise<EtcdMembers> {
    return new EtcdMembers(options, await freePorts(options.members * 2));
  }

  /** Starts a member again that has ended. */
  restart(i: number): void {
    this.#children[i] = this.#start(i);
  }

  child(i: number): ChildProcess {
    return this.#children[i] as ChildProcess;
  }

  get pids(): readonly number[] {
    return this.#children.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** Who leads by the members' own account; undefined unless all answer and agree. */
  async leader(): Promise<{ readonly index: number; readonly term: number } | undefined> {
    const found = await Promise.all(this.urls.map(async (url) => this.#status(url)));
    const [first] = found;
    if (first === undefined || !found.every((status) => status?.leader === first.leader)) return undefined;
    const index = found.findIndex((status) => status?.memberId === first.leader);
    return index === -1 ? undefined : { index, term: first.term };
  }

  async stop(): Promise<void> {
    // One that is paused would not hear the signal.
    for (const child of this.#children) child.kill('SIGCONT');
    await Promise.all(this.#children.map(stopProgram));
  }

  #start(i: number): ChildProcess {
    const program = findProgram('etcd') ?? 'etcd';
    return startProgram(program, this.#args[i] ?? [], join(this.#options.directory, `etcd${i}.log`));
  }

  async #status(url: string): Promise<EtcdStatus | undefined> {
    const connection = await EtcdConnection.open(url, this.#options.tls, statusTimeoutMs);
    try {
      return await connection.status();
    } catch {
      // Not there, or not yet.
      return undefined;
    } finally {
      connection.close();
    }
  }
}

function tlsArgs({ ca, cert, key }: NonNullable<EtcdOptions['files']>): string[] {
  const each = (prefix: string): string[] => [
    `--${prefix}cert-file=${cert}`,
    `--${prefix}key-file=${key}`,
    `--${prefix}trusted-ca-file=${ca}`,
    `--${prefix}client-cert-auth`,
  ];
  return [...each(''), ...each('peer-')];
}

export interface EtcdTarget {
  readonly members: EtcdMembers;
  readonly tls: Tls;
  stop(): Promise<void>;
}

/** Three members in a temporary directory, mutual TLS between all: what Trireme's etcd service has, too. */
export async function startEtcd(members = 3): Promise<EtcdTarget> {
  const directory = mkdtempSync(join(tmpdir(), 'trireme-peer-etcd-'));
  const pki = await ensureEtcdPki(directory, { masters: ['peer'] });
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  // A member of etcd is a client of its peers, too, with the same certificate.
  const serving = await issueCertificate(pki.ca, {
    commonName: 'peer',
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    usages: ['server', 'client'],
  });
  const files = {
    ca: file('ca.pem', pki.ca.certificate),
    cert: file('server.pem', serving.certificate),
    key: file('server-key.pem', serving.privateKey),
  };
  const tls = { ca: pki.ca.certificate, cert: pki.client.certificate, key: pki.client.privateKey };
  const running = await EtcdMembers.start({ directory, members, files, tls });
  const stop = async (): Promise<void> => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
    await running.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  const interrupted = (): void => void stop();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    await waitFor('a leader of etcd', 30_000, async () => (await running.leader()) !== undefined);
  } catch (error) {
    await stop();
    throw error;
  }
  return { members: running, tls, stop };
}
