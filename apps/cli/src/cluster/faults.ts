import { UserError } from '../ui/errors.js';
import { AdminClient } from './admin-client.js';
import type { SupervisedChild } from './child.js';
import { type ClusterState, httpsUrl, type MasterState, named } from './state.js';
import { clusterStatus } from './status.js';

type Direction = 'both' | 'in' | 'out';

/** A fault on a running local cluster, as it is asked for over the control socket. */
export type FaultRequest =
  | { readonly command: 'kill'; readonly master: string; readonly stayDown: boolean }
  | { readonly command: 'start' | 'pause'; readonly master: string }
  /** Without a name: all of them. */
  | { readonly command: 'resume'; readonly master?: string }
  /** Cuts the peer links of one master. */
  | { readonly command: 'partition'; readonly master: string; readonly direction: Direction }
  | { readonly command: 'heal' }
  /** Without a name: to the most caught-up one. */
  | { readonly command: 'transfer'; readonly to?: string };

/** With an id: an order that is sent again because its answer was lost is done once. */
export type FaultOrder = FaultRequest & { readonly id?: string };

/** What happened to the cluster, by request or by itself. */
export interface FaultRecord {
  /** Milliseconds since the epoch: just before a fault took effect, just after a process started or ended. */
  readonly at: number;
  readonly what: FaultRequest['command'] | 'started' | 'ended';
  /** Absent where it concerns all. */
  readonly master?: string;
}

/** What a supervisor knows of its cluster's faults; the answer to the control socket's `faults`. */
export interface FaultReport {
  /** The newest ones, oldest first. */
  readonly records: readonly FaultRecord[];
  readonly masters: readonly {
    readonly name: string;
    readonly pid?: number;
    readonly paused: boolean;
    readonly cut?: Direction;
    /** URL of its API: also of masters that were added after others were configured. */
    readonly apiServer: string;
  }[];
}

const recordsKept = 100;

/** Does faults to the masters of a supervisor, and remembers them. */
export class Faults {
  readonly #state: () => ClusterState;
  readonly #child: (master: string) => SupervisedChild | undefined;
  readonly #records: FaultRecord[] = [];
  readonly #done = new Map<string, Promise<FaultRecord>>();
  readonly #paused = new Set<string>();
  readonly #cut = new Map<string, Direction>();

  constructor(state: () => ClusterState, child: (master: string) => SupervisedChild | undefined) {
    this.#state = state;
    this.#child = child;
  }

  report(): FaultReport {
    const masters = this.#state().masters.map(({ name, pid, apiPort }) => ({
      name,
      pid,
      paused: this.#paused.has(name),
      cut: this.#cut.get(name),
      apiServer: httpsUrl('127.0.0.1', apiPort),
    }));
    return { records: this.#records, masters };
  }

  /** A master's process has started or ended: with it end a pause and a partition. */
  processChanged(master: string, pid: number | undefined): void {
    this.#paused.delete(master);
    this.#cut.delete(master);
    this.#note(pid === undefined ? 'ended' : 'started', master);
  }

  /** Resolves to what was noted of it, once it has taken effect. Rejects with UserError. */
  apply({ id, ...request }: FaultOrder): Promise<FaultRecord> {
    const known = id === undefined ? undefined : this.#done.get(id);
    if (known !== undefined) return known;
    const done = this.#apply(request);
    if (id !== undefined) this.#done.set(id, done);
    const [oldest] = this.#done.keys();
    if (this.#done.size > recordsKept && oldest !== undefined) this.#done.delete(oldest);
    return done;
  }

  async #apply(request: FaultRequest): Promise<FaultRecord> {
    switch (request.command) {
      case 'kill': {
        const child = this.#required(request.master);
        const record = this.#note('kill', request.master);
        child.kill(request.stayDown);
        return record;
      }
      case 'start':
        this.#required(request.master).start();
        return this.#note('start', request.master);
      case 'pause':
        return this.#signal(request.master, 'pause');
      case 'resume': {
        const running = this.#state().masters.filter(({ pid }) => pid !== undefined);
        if (request.master !== undefined) return this.#signal(request.master, 'resume');
        for (const { name } of running) this.#signal(name, 'resume');
        return { at: Date.now(), what: 'resume' };
      }
      case 'partition':
        return this.#partition(request.master, request.direction);
      case 'heal':
        return this.#heal();
      case 'transfer':
        return this.#transfer(request.to);
    }
  }

  #required(name: string): SupervisedChild {
    const { masters } = this.#state();
    const child = this.#child(named(masters, name).name);
    if (child === undefined) throw new UserError(`${name} is not supervised here`, 'see `trireme status`');
    return child;
  }

  #signal(name: string, what: 'pause' | 'resume'): FaultRecord {
    const master = named(this.#state().masters, name);
    if (master.pid === undefined) throw new UserError(`${name} is not running`, 'see `trireme status`');
    const record = this.#note(what, name);
    process.kill(master.pid, what === 'pause' ? 'SIGSTOP' : 'SIGCONT');
    if (what === 'pause') this.#paused.add(name);
    else this.#paused.delete(name);
    return record;
  }

  async #partition(name: string, direction: Direction): Promise<FaultRecord> {
    const { masters } = this.#state();
    const master = named(masters, name);
    const others = masters.filter((other) => other.name !== name).map((other) => other.name);
    const admin = await AdminClient.open(this.#state());
    const record = this.#note('partition', name);
    await admin.partition(master, others, direction);
    this.#cut.set(name, direction);
    return record;
  }

  async #heal(): Promise<FaultRecord> {
    const admin = await AdminClient.open(this.#state());
    const record = this.#note('heal');
    // A process that is only starting is not asked: it has no cut of the one before.
    const cut = this.#state().masters.filter(({ name }) => this.#cut.has(name) && !this.#paused.has(name));
    await Promise.all(cut.map(async (master) => admin.partition(master, [], 'both')));
    for (const { name } of cut) this.#cut.delete(name);
    return record;
  }

  async #transfer(to: string | undefined): Promise<FaultRecord> {
    const target = to === undefined ? undefined : named(this.#state().masters, to).name;
    const leader = await this.#leader();
    const admin = await AdminClient.open(this.#state());
    const record = this.#note('transfer', target);
    if (leader.name !== target) await admin.transferLeadership(leader, target);
    return record;
  }

  async #leader(): Promise<MasterState> {
    const { leader } = await clusterStatus(this.#state());
    if (leader === undefined) throw new UserError('the cluster has no leader now', 'see `trireme status`');
    return named(this.#state().masters, leader);
  }

  #note(what: FaultRecord['what'], master?: string): FaultRecord {
    const record = { at: Date.now(), what, ...(master === undefined ? {} : { master }) };
    this.#records.push(record);
    if (this.#records.length > recordsKept) this.#records.shift();
    return record;
  }
}
