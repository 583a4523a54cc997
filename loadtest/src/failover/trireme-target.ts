import { isAlive } from '../../../apps/cli/src/cluster/state.js';
import { Http2Client } from '../http2/http2-client.js';
import { demand, makeNamespace } from '../measures/closed-loop.js';
import { waitFor } from '../processes.js';
import { KubernetesConnection } from '../services/kubernetes-connection.js';
import type { TriremeTarget } from '../targets/trireme.js';
import { makeDeployment, replacePods } from './controller-probe.js';
import type { Fault, FaultName, LabTarget } from './lab-target.js';

/** Longest wait of a client for an answer: what hangs longer has gone, to it. */
export const clientTimeoutMs = 2_000;
const faultMs = 2_000;
const slowDiskMs = 200;

type Member = Awaited<ReturnType<TriremeTarget['status']>>['members'][number];

/** Trireme under the lab: clients through the Kubernetes API at the masters themselves, faults on their processes. */
export class TriremeLab implements LabTarget {
  readonly name = 'trireme';
  readonly prefix = 'x-';
  readonly servers: number;
  readonly leaders: LabTarget['leaders'];
  readonly #target: TriremeTarget;
  readonly #namespace: string;
  readonly #upgrade: string | undefined;
  /** Which of the two installations runs: a rolling upgrade goes to the other one. */
  #upgraded = false;

  private constructor(target: TriremeTarget, namespace: string, upgrade: string | undefined) {
    this.#target = target;
    this.#namespace = namespace;
    this.#upgrade = upgrade;
    this.servers = target.servers.length;
    this.leaders = { masters: target };
  }

  /** `upgrade`: folder of another built installation that rolling upgrades go to, and back from. */
  static async open(target: TriremeTarget, upgrade: string | undefined): Promise<TriremeLab> {
    const namespace = await makeNamespace(target, `failover-${process.pid}`);
    await makeDeployment(target, namespace);
    return new TriremeLab(target, namespace, upgrade);
  }

  async connect(server: number): Promise<KubernetesConnection> {
    const url = this.#target.servers[server] ?? '';
    return new KubernetesConnection(url, this.#target.tls, this.#namespace, clientTimeoutMs);
  }

  async healthy(): Promise<boolean> {
    const status = await this.#target.status().catch(() => undefined);
    return status?.leader !== undefined && status.members.every((member) => member.healthy);
  }

  readonly controllers = async (signal: AbortSignal): Promise<void> =>
    replacePods(this.#target, this.#namespace, clientTimeoutMs, signal);

  async stop(): Promise<void> {
    await this.#target.stop();
  }

  async fault(name: FaultName): Promise<Fault | string> {
    switch (name) {
      case 'rolling-restart':
        return once(async () => this.#roll(async (member) => this.#signal(member, 'SIGTERM')));
      case 'rolling-upgrade':
        return this.#rollingUpgrade();
      case 'kill':
        return this.#end('SIGKILL');
      case 'stop':
        return this.#end('SIGTERM');
      case 'pause': {
        const leader = await this.#leaderMember();
        return {
          inject: async () => this.#signal(leader, 'SIGSTOP'),
          lastsMs: faultMs,
          heal: async () => this.#signal(leader, 'SIGCONT'),
        };
      }
      default:
        return this.#posted(name);
    }
  }

  async #end(signal: NodeJS.Signals): Promise<Fault> {
    const leader = await this.#leaderMember();
    return once(async () => {
      this.#signal(leader, signal);
      await waitFor(`the end of ${leader.name}`, 30_000, async () => !isAlive(leader.pid));
    });
  }

  /** Faults that a master brings upon itself (faultInjection), asked for over connections that stand already. */
  async #posted(name: FaultName): Promise<Fault> {
    const leader = await this.#leaderMember();
    const client = new Http2Client(leader.apiServer, this.#target.tls);
    const post = async (path: string, body: object): Promise<void> => {
      await demand(client, 'POST', `/trireme/v1/${path}`, 200, JSON.stringify(body));
    };
    await demand(client, 'GET', '/trireme/v1/status', 200);
    const others = (await this.#target.status()).members
      .map((member) => member.name)
      .filter((other) => other !== leader.name);
    const direction = name === 'partition-in' ? 'in' : name === 'partition-out' ? 'out' : 'both';
    const disk = name === 'slow-disk' ? { delayMs: slowDiskMs } : { full: true };
    const isDisk = name === 'slow-disk' || name === 'full-disk';
    return {
      inject: async () => {
        if (!isDisk) return post('partition', { from: others, direction });
        // A full disk may stop the master before its answer has gone out.
        await post('disk', disk).catch((error: unknown) => {
          if (name !== 'full-disk') throw error;
        });
      },
      lastsMs: faultMs,
      heal: async () => {
        client.close();
        await this.#target.trireme('chaos', 'heal');
      },
    };
  }

  #rollingUpgrade(): Fault | string {
    const other = this.#upgrade;
    if (other === undefined) return 'needs --upgrade-from with the folder of another built installation';
    return once(async () => {
      const to = this.#upgraded ? [] : ['--installation', other];
      await this.#roll(async ({ name }) => {
        await this.#target.trireme('chaos', 'restart', name, ...to);
      });
      this.#upgraded = !this.#upgraded;
    });
  }

  /** One server after the other, the leader last; each is back before the next one goes. */
  async #roll(act: (member: Member) => Promise<void>): Promise<void> {
    const { members, leader } = await this.#target.status();
    const order = members.toSorted((a, b) => Number(a.name === leader) - Number(b.name === leader));
    for (const member of order) {
      await act(member);
      await waitFor(`${member.name} is another process`, 60_000, async () => {
        const now = (await this.#target.status()).members.find(({ name }) => name === member.name);
        return now?.pid !== undefined && now.pid !== member.pid;
      });
      await waitFor('every master is ready again', 60_000, async () => this.healthy());
    }
  }

  async #leaderMember(): Promise<Member> {
    let found: Member | undefined;
    await waitFor('a leader', 30_000, async () => {
      const { leader, members } = await this.#target.status();
      found = members.find(({ name, pid }) => name === leader && pid !== undefined);
      return found !== undefined;
    });
    return found as Member;
  }

  #signal({ pid, name }: Member, signal: NodeJS.Signals): void {
    if (pid === undefined) throw new Error(`${name} does not run`);
    process.kill(pid, signal);
  }
}

/** A fault that strikes and is over. */
function once(inject: () => Promise<void>): Fault {
  return { inject, lastsMs: 0, heal: async () => {} };
}
