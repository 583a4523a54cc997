import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { dirname, join } from 'node:path';
import { ensureClusterPki, ensureEtcdPki, type ClusterPki, type EtcdPki } from '#libs/pki';
import type { Tls } from '../../http2/http2-client.js';
import { freePorts, runProgram } from '../../processes.js';
import type { Capabilities } from '../capabilities.js';
import { Disk, unmountLeftovers } from './disk.js';
import { Master, type ReplicaReport } from './master.js';
import { createNetwork, type Network } from './network.js';

const masterProgram = join(
  dirname(createRequire(import.meta.url).resolve('#package.json')),
  'dist/bundle/master.js',
);
const graceMs = 10_000;
const healMs = 60_000;
/** Between questions: each costs every master a handshake. */
const askEveryMs = 200;

interface Ports {
  readonly api: number;
  readonly peer: number;
  readonly etcd: number;
  readonly metrics: readonly [number, number, number];
}

const usualPorts: Ports = { api: 6443, peer: 2380, etcd: 2379, metrics: [2381, 10_257, 10_259] };

/** Three real masters: each in a network namespace and on a file system of its own where the machine allows that. */
export class TortureCluster {
  readonly directory: string;
  readonly masters: readonly Master[];
  readonly network: Network | undefined;
  readonly disks: readonly Disk[] | undefined;
  /** An administrator of the Kubernetes API. */
  readonly tls: Tls;
  /** A client of the etcd service. */
  readonly etcdTls: Tls;
  /** Masters that ended though nobody had asked them to, since the last call of `takeEnds`. */
  readonly #signal: AbortSignal;
  #ends: { readonly master: string; readonly how: string }[] = [];

  private constructor(parts: {
    readonly directory: string;
    readonly network: Network | undefined;
    readonly disks: readonly Disk[] | undefined;
    readonly pki: ClusterPki;
    readonly etcdPki: EtcdPki;
    readonly members: readonly MemberPlan[];
    readonly signal: AbortSignal;
  }) {
    const { pki, etcdPki } = parts;
    this.directory = parts.directory;
    this.#signal = parts.signal;
    this.network = parts.network;
    this.disks = parts.disks;
    this.tls = { ca: pki.ca.certificate, cert: pki.admin.certificate, key: pki.admin.privateKey };
    this.etcdTls = {
      ca: etcdPki.ca.certificate,
      cert: etcdPki.client.certificate,
      key: etcdPki.client.privateKey,
    };
    this.masters = parts.members.map(
      (member, i) =>
        new Master({
          name: member.name,
          address: member.host,
          apiPort: member.ports.api,
          etcdPort: member.ports.etcd,
          dataDir: member.dataDir,
          logFile: join(parts.directory, 'logs', `${member.name}.log`),
          configFile: member.configFile,
          command: [
            ...(parts.network?.enter(i) ?? []),
            process.execPath,
            '--max-semi-space-size=8',
            masterProgram,
            '--config',
            member.configFile,
          ],
          tls: this.tls,
          onUnexpectedEnd: (master, how) => this.#ends.push({ master: master.name, how }),
        }),
    );
  }

  /**
   * Prepares network, disks, certificates and configurations, and starts the masters.
   *
   * @param signal aborted: nothing is waited for any more
   */
  static async start(
    count: number,
    capabilities: Capabilities,
    signal: AbortSignal,
  ): Promise<TortureCluster> {
    const directory = mkdtempSync(join(tmpdir(), `trireme-torture-${process.pid}-`));
    const undo: (() => Promise<void>)[] = [async () => rmSync(directory, { recursive: true, force: true })];
    try {
      const names = Array.from({ length: count }, (_, i) => `m${i + 1}`);
      const network = capabilities.has.has('namespaces') ? await createNetwork(count) : undefined;
      if (network !== undefined) undo.push(async () => network.remove());
      let disks: Disk[] | undefined;
      if (capabilities.has.has('disks')) {
        await unmountLeftovers();
        disks = [];
        for (const name of names) {
          const disk = await Disk.create(join(directory, name));
          undo.push(async () => disk.remove());
          disks.push(disk);
        }
      }
      const hosts = names.map((_, i) => network?.addresses[i] ?? '127.0.0.1');
      const pki = await ensureClusterPki(directory, { masters: names, hosts });
      const etcdPki = await ensureEtcdPki(directory, { masters: names, hosts });
      const members = await plan(directory, names, hosts, network !== undefined, disks);
      const cluster = new TortureCluster({ directory, network, disks, pki, etcdPki, members, signal });
      undo.push(async () => cluster.#killAll());
      for (const master of cluster.masters) master.start();
      await cluster.healed();
      return cluster;
    } catch (error) {
      for (const each of undo.toReversed()) await each();
      throw error;
    }
  }

  async #killAll(): Promise<void> {
    await Promise.all(this.masters.map(async (master) => master.kill()));
  }

  /** Ends everything. With `keep`, logs and data stay in the directory, as plain files. */
  async stop(keep: boolean): Promise<void> {
    await this.#killAll();
    for (const [i, disk] of (this.disks ?? []).entries()) {
      const kept = join(this.directory, `${this.masters[i]!.name}.data`);
      if (keep) await runProgram('cp', ['-a', '--sparse=always', disk.path, kept]);
      await disk.remove();
    }
    await this.network?.remove();
    if (!keep) rmSync(this.directory, { recursive: true, force: true });
  }

  async reports(): Promise<(ReplicaReport | undefined)[]> {
    return Promise.all(this.masters.map(async (master) => master.report()));
  }

  /** Who leads with a quorum in the highest term, waited for. */
  async leader(): Promise<Master> {
    let found: Master | undefined;
    await eventually('a leader', this.#signal, async () => {
      const reports = await this.reports();
      const term = Math.max(...reports.map((report) => report?.term ?? 0));
      const i = reports.findIndex((r) => r?.role === 'leader' && r.term === term && r.quorum);
      found = this.masters[i];
      return found !== undefined;
    });
    return found!;
  }

  /**
   * Waits until every master is ready and has applied what the others have.
   *
   * @param options.restart starts masters that are down, as a supervisor would
   */
  async healed(options: { readonly restart: boolean } = { restart: false }): Promise<void> {
    let reports: (ReplicaReport | undefined)[] = [];
    const whole = eventually('every master ready and caught up', this.#signal, async () => {
      if (options.restart) for (const master of this.masters) master.start();
      reports = await this.reports();
      const applied = Math.max(...reports.map((report) => report?.appliedIndex ?? 0));
      return reports.every((report) => report?.ready === true && applied - report.appliedIndex < 200);
    });
    await whole.catch((error: Error) => {
      const last = JSON.stringify({ reports, ends: this.#ends });
      throw new Error(`${error.message}: ${last}`, { cause: error });
    });
  }

  /** Tries the work on whoever leads until it does not throw: it must see itself whether an earlier try took effect. */
  async withLeader<T>(what: string, work: (leader: Master) => Promise<T>): Promise<T> {
    let done: { readonly result: T } | undefined;
    let refusal = '';
    const agreed = eventually(what, this.#signal, async () => {
      const leader = await this.leader();
      done = await work(leader).then(
        (result) => ({ result }),
        (error: Error) => {
          refusal = error.message;
          return undefined;
        },
      );
      return done !== undefined;
    });
    await agreed.catch((error: Error) => {
      throw new Error(`${error.message}: ${refusal}`, { cause: error });
    });
    return done!.result;
  }

  takeEnds(): readonly { readonly master: string; readonly how: string }[] {
    return this.#ends.splice(0);
  }

  stopMaster = async (master: Master): Promise<void> => master.stop(graceMs);
}

/** Asks again and again until the condition holds; throws when it does not within a minute, or when aborted. */
async function eventually(
  what: string,
  signal: AbortSignal,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + healMs;
  while (!(await condition())) {
    signal.throwIfAborted();
    if (Date.now() > deadline) throw new Error(`${what}: not within ${healMs} ms`);
    await sleep(askEveryMs);
  }
}

interface MemberPlan {
  readonly name: string;
  readonly host: string;
  readonly ports: Ports;
  readonly dataDir: string;
  readonly configFile: string;
}

async function plan(
  directory: string,
  names: readonly string[],
  hosts: readonly string[],
  ownAddresses: boolean,
  disks: readonly Disk[] | undefined,
): Promise<MemberPlan[]> {
  const free = ownAddresses ? [] : await freePorts(names.length * 6);
  const ports = names.map((_, i): Ports => {
    if (ownAddresses) return usualPorts;
    const [api, peer, etcd, ...metrics] = free.slice(i * 6) as [number, number, number, ...number[]];
    return { api, peer, etcd, metrics: metrics.slice(0, 3) as [number, number, number] };
  });
  const members = names.map((name, i) => ({ id: i + 1, name, host: hosts[i]!, port: ports[i]!.peer }));
  mkdirSync(join(directory, 'logs'));
  return names.map((name, i) => {
    const dataDir = disks === undefined ? join(directory, name, 'data') : join(disks[i]!.path, 'data');
    const configFile = join(directory, `${name}.json`);
    const [etcdMetricsPort, controllerManagerPort, schedulerPort] = ports[i]!.metrics;
    mkdirSync(dataDir, { recursive: true });
    const config = {
      name,
      clusterName: 'torture',
      clusterId: `torture-${process.pid}`,
      memberId: i + 1,
      members,
      dataDir,
      pkiDir: join(directory, 'pki'),
      bindAddress: hosts[i],
      securePort: ports[i]!.api,
      etcdMetricsPort,
      controllerManagerPort,
      schedulerPort,
      etcdApi: { host: hosts[i], port: ports[i]!.etcd },
      faultInjection: true,
    };
    writeFileSync(configFile, JSON.stringify(config, undefined, 2));
    return { name, host: hosts[i]!, ports: ports[i]!, dataDir, configFile };
  });
}
