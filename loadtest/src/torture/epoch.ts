import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TortureCluster } from './cluster/cluster.js';
import { EtcdConnection } from './clients/etcd-connection.js';
import { type EtcdClientOptions, runEtcdLedger, runEtcdRegisters } from './clients/etcd-clients.js';
import { EtcdWatcher } from './clients/etcd-watcher.js';
import {
  type KubernetesClientOptions,
  runKubernetesLedger,
  runKubernetesRegisters,
} from './clients/kubernetes-clients.js';
import { KubernetesConnection } from './clients/kubernetes-connection.js';
import { KubernetesWatcher } from './clients/kubernetes-watcher.js';
import { Placement } from './clients/pacing.js';
import type { Random } from './random.js';
import { type Service, ServiceHistory } from './recorder.js';

const registers = 6;
/** For what must succeed, between the rounds. */
const timeoutMs = 60_000;
/** How long watchers may take, once all is healed, to be told of the last write. */
const catchUpMs = 20_000;

/** What stands in a service when the epoch's clients have ended. */
export interface Remains {
  readonly revision: number;
  /** Keys of the epoch. */
  readonly keys: ReadonlySet<string>;
}

export interface EpochRecord {
  readonly prefix: string;
  readonly histories: Readonly<Record<Service, ServiceHistory>>;
  readonly remains: Readonly<Record<Service, Remains>>;
  /** HashKV of each member at one revision. */
  readonly hashes: readonly number[];
  readonly unexpected: readonly string[];
}

export interface EpochOptions {
  readonly random: Random;
  /** The etcd clients' reads are not linearizable. */
  readonly staleReads: boolean;
}

/**
 * Some rounds' clients, on keys of their own: registers and ledgers and watchers of both services. Some clients stay with
 * one master whatever becomes of it, so that a master that is cut off is asked, too; the others go where they are served.
 */
export class Epoch {
  readonly histories = { etcd: new ServiceHistory(), kubernetes: new ServiceHistory() };
  readonly prefix: string;
  readonly #cluster: TortureCluster;
  readonly #random: Random;
  readonly #staleReads: boolean;
  readonly #writing = new AbortController();
  readonly #watching = new AbortController();
  readonly #writers: Promise<void>[] = [];
  readonly #watches: Promise<void>[] = [];
  readonly #watchers: { readonly service: Service; readonly watcher: { readonly position: number } }[] = [];
  readonly #unexpected: string[] = [];

  private constructor(cluster: TortureCluster, number: number, options: EpochOptions) {
    this.#cluster = cluster;
    this.#random = options.random;
    this.#staleReads = options.staleReads;
    this.prefix = `e${number}-`;
    // Every client waits on it.
    for (const { signal } of [this.#writing, this.#watching]) setMaxListeners(0, signal);
  }

  static async start(cluster: TortureCluster, number: number, options: EpochOptions): Promise<Epoch> {
    const epoch = new Epoch(cluster, number, options);
    const after = await epoch.#standing();
    epoch.#startEtcd(after.etcd.revision);
    epoch.#startKubernetes(after.kubernetes.revision);
    return epoch;
  }

  #placement(start: number, stays: boolean): Placement {
    return new Placement(start, this.#cluster.masters.length, stays);
  }

  #startEtcd(revision: number): void {
    const options = (name: string, placement: Placement, signal: AbortSignal): EtcdClientOptions => ({
      cluster: this.#cluster,
      history: this.histories.etcd,
      name,
      prefix: this.prefix,
      placement,
      random: this.#random.fork(),
      signal,
      staleReads: this.#staleReads,
    });
    const { signal } = this.#writing;
    for (const i of this.#cluster.masters.keys()) {
      const staying = options(`etcd-stays-${i}`, this.#placement(i, true), signal);
      const moving = options(`etcd-moves-${i}`, this.#placement(i, false), signal);
      this.#writers.push(runEtcdRegisters(staying, registers), runEtcdRegisters(moving, registers));
      const watching = options(`etcd-watch-${i}`, this.#placement(i, false), this.#watching.signal);
      const watcher = new EtcdWatcher(watching, revision);
      this.#watchers.push({ service: 'etcd', watcher });
      this.#watches.push(watcher.run());
    }
    for (const i of [0, 1]) {
      this.#writers.push(runEtcdLedger(options(`etcd-ledger-${i}`, this.#placement(i, false), signal)));
    }
  }

  #startKubernetes(revision: number): void {
    const options = (name: string, placement: Placement, signal: AbortSignal): KubernetesClientOptions => ({
      cluster: this.#cluster,
      history: this.histories.kubernetes,
      name,
      prefix: this.prefix,
      placement,
      random: this.#random.fork(),
      signal,
      onUnexpected: (answer) => this.#unexpected.push(answer),
    });
    const { signal } = this.#writing;
    for (const i of this.#cluster.masters.keys()) {
      const client = options(`k8s-${i}`, this.#placement(i, i === 0), signal);
      this.#writers.push(runKubernetesRegisters(client, registers));
    }
    this.#writers.push(runKubernetesLedger(options('k8s-ledger', this.#placement(2, false), signal)));
    for (const i of [0, 1]) {
      const watching = options(`k8s-watch-${i}`, this.#placement(i, false), this.#watching.signal);
      const watcher = new KubernetesWatcher(watching, revision);
      this.#watchers.push({ service: 'kubernetes', watcher });
      this.#watches.push(watcher.run());
    }
  }

  /** Ends the clients, lets the watchers hear of the last write, and reads what stands. The cluster must be whole. */
  async finish(): Promise<EpochRecord> {
    this.#writing.abort();
    await Promise.all(this.#writers);
    const remains = await this.#standing();
    const deadline = Date.now() + catchUpMs;
    const behind = (): boolean =>
      this.#watchers.some(({ service, watcher }) => watcher.position < this.#lastWrite(service));
    while (behind() && Date.now() < deadline) await sleep(20);
    this.#watching.abort();
    await Promise.all(this.#watches);
    return {
      prefix: this.prefix,
      histories: this.histories,
      remains,
      hashes: await this.#hashes(remains.etcd.revision),
      unexpected: this.#unexpected,
    };
  }

  /** Ends the clients where the cluster is not whole and nothing can be judged. */
  async abandon(): Promise<void> {
    this.#writing.abort();
    this.#watching.abort();
    await Promise.all([...this.#writers, ...this.#watches]);
  }

  /** The highest revision that a client was told for a write. */
  #lastWrite(service: Service): number {
    let last = 0;
    for (const operation of this.histories[service].operations) {
      const revision = operation.kind === 'get' ? undefined : operation.result?.revision;
      if (revision !== undefined) last = Math.max(last, revision);
    }
    return last;
  }

  async #standing(): Promise<Record<Service, Remains>> {
    const [master] = this.#cluster.masters;
    const etcd = await EtcdConnection.open(master!.etcd, this.#cluster.etcdTls, timeoutMs);
    const kubernetes = new KubernetesConnection(master!.apiServer, this.#cluster.tls, timeoutMs);
    try {
      const range = await etcd.range(this.prefix);
      const list = await kubernetes.list();
      return {
        etcd: { revision: range.header.revision, keys: new Set(range.kvs.map(({ key }) => key.toString())) },
        kubernetes: { revision: list.revision, keys: new Set(list.items.keys()) },
      };
    } finally {
      etcd.close();
      kubernetes.close();
    }
  }

  async #hashes(revision: number): Promise<number[]> {
    return Promise.all(
      this.#cluster.masters.map(async (master) => {
        const connection = await EtcdConnection.open(master.etcd, this.#cluster.etcdTls, timeoutMs);
        try {
          // A linearizable read first: the member has then applied what it is to hash.
          await connection.get(this.prefix);
          return await connection.hash(revision);
        } finally {
          connection.close();
        }
      }),
    );
  }

  /** Removes the epoch's keys and their history. */
  async clear(): Promise<void> {
    const [master] = this.#cluster.masters;
    const etcd = await EtcdConnection.open(master!.etcd, this.#cluster.etcdTls, timeoutMs);
    const kubernetes = new KubernetesConnection(master!.apiServer, this.#cluster.tls, timeoutMs);
    try {
      await etcd.deletePrefix(this.prefix);
      await etcd.compact((await etcd.range(this.prefix)).header.revision);
      await kubernetes.deleteAll();
    } finally {
      etcd.close();
      kubernetes.close();
    }
  }
}
