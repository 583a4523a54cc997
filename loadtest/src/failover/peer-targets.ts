import { Http2Client } from '../http2/http2-client.js';
import { makeNamespace } from '../measures/closed-loop.js';
import { waitFor } from '../processes.js';
import type { Connection } from '../services/connection.js';
import { EtcdConnection } from '../services/etcd-connection.js';
import { KubernetesConnection } from '../services/kubernetes-connection.js';
import type { EtcdMembers, EtcdTarget } from '../targets/etcd.js';
import type { KubeApiserverTarget } from '../targets/kube-apiserver.js';
import type { Fault, FaultName, LabTarget } from './lab-target.js';
import { clientTimeoutMs } from './trireme-target.js';

const faultMs = 2_000;

/** A fault on the process of etcd's leader, or why it cannot be had without root and without help from the server. */
async function etcdFault(members: EtcdMembers, name: FaultName): Promise<Fault | string> {
  const signals: Partial<Record<FaultName, NodeJS.Signals>> = { kill: 'SIGKILL', stop: 'SIGTERM' };
  const signal = signals[name];
  if (signal === undefined && name !== 'pause') {
    return 'its processes are the only thing of it that can be reached without root';
  }
  let index = -1;
  await waitFor('a leader of etcd', 30_000, async () => {
    index = (await members.leader())?.index ?? -1;
    return index !== -1;
  });
  const child = members.child(index);
  if (signal === undefined) {
    return {
      inject: async () => void child.kill('SIGSTOP'),
      lastsMs: faultMs,
      heal: async () => void child.kill('SIGCONT'),
    };
  }
  return {
    inject: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await ended;
    },
    lastsMs: 0,
    heal: async () => members.restart(index),
  };
}

function named(
  leader: Awaited<ReturnType<EtcdMembers['leader']>>,
): { readonly name: string; readonly term: number } | undefined {
  return leader === undefined ? undefined : { name: `etcd m${leader.index}`, term: leader.term };
}

/** etcd itself: clients through its own API. */
export class EtcdLab implements LabTarget {
  readonly name = 'etcd';
  readonly prefix = 'x-';
  readonly #target: EtcdTarget;

  constructor(target: EtcdTarget) {
    this.#target = target;
  }

  get servers(): number {
    return this.#target.members.urls.length;
  }

  async connect(server: number): Promise<Connection> {
    return EtcdConnection.open(this.#target.members.urls[server] ?? '', this.#target.tls, clientTimeoutMs);
  }

  readonly leaders = { ask: async () => named(await this.#target.members.leader()) };

  async healthy(): Promise<boolean> {
    return (await this.#target.members.leader()) !== undefined;
  }

  async fault(name: FaultName): Promise<Fault | string> {
    return etcdFault(this.#target.members, name);
  }

  async stop(): Promise<void> {
    await this.#target.stop();
  }
}

/** Three kube-apiservers: clients through the Kubernetes API, faults on the leader of the etcd behind them. */
export class KubeApiserverLab implements LabTarget {
  readonly name = 'kube-apiserver + etcd';
  readonly prefix = 'x-';
  readonly #target: KubeApiserverTarget;
  readonly #namespace: string;

  private constructor(target: KubeApiserverTarget, namespace: string) {
    this.#target = target;
    this.#namespace = namespace;
  }

  static async open(target: KubeApiserverTarget): Promise<KubeApiserverLab> {
    return new KubeApiserverLab(target, await makeNamespace(target, `failover-${process.pid}`));
  }

  get servers(): number {
    return this.#target.servers.length;
  }

  async connect(server: number): Promise<Connection> {
    const url = this.#target.servers[server] ?? '';
    return new KubernetesConnection(url, this.#target.tls, this.#namespace, clientTimeoutMs);
  }

  readonly leaders = { ask: async () => named(await this.#target.etcd.leader()) };

  async healthy(): Promise<boolean> {
    if ((await this.#target.etcd.leader()) === undefined) return false;
    const ready = this.#target.servers.map(async (server) => {
      const client = new Http2Client(server, this.#target.tls);
      try {
        return (await client.request('GET', '/readyz', undefined, { timeoutMs: 2_000 })).status === 200;
      } catch {
        // Not there: not healthy.
        return false;
      } finally {
        client.close();
      }
    });
    return (await Promise.all(ready)).every(Boolean);
  }

  async fault(name: FaultName): Promise<Fault | string> {
    return etcdFault(this.#target.etcd, name);
  }

  async stop(): Promise<void> {
    await this.#target.stop();
  }
}
