import {
  asMemberId,
  createMemoryLog,
  createRaft,
  RaftInvariantError,
  type AppendWork,
  type Entry,
  type MemberId,
  type MemoryLog,
  type Message,
  type RaftServer,
  type Ready,
} from '../src/index.js';
import { membersOf, type Configuration, type ConfigurationChange } from '../src/index.js';
import { hasQuorum } from '../src/quorum.js';
import { configurationOf } from './group.js';

export type Random = () => number;

/** mulberry32: small, seeded, good enough to choose faults with. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Server {
  readonly id: MemberId;
  readonly log: MemoryLog;
  raft: RaftServer;
  writing: AppendWork[];
  down: boolean;
  applied: number;
  /** Reads in flight: context → the highest index acknowledged anywhere when it was asked. */
  reads: Map<number, number>;
}

/** What a run did, so that a test can tell that it was worth running. */
export interface Tally {
  elections: number;
  committed: number;
  reads: number;
  restarts: number;
  snapshots: number;
  changes: number;
}

/**
 * One group under one seed: messages are lost, doubled, delayed and reordered, links are cut one way, writes
 * complete late, servers lose what they had not written, logs are compacted, members come and go. After each event the
 * safety properties of the paper's figure 3 are checked; any breach throws.
 */
export class Fuzz {
  readonly tally: Tally = { elections: 0, committed: 0, reads: 0, restarts: 0, snapshots: 0, changes: 0 };
  private readonly servers: Server[] = [];
  private network: Message[] = [];
  private readonly cut = new Set<string>();
  private readonly leaderOfTerm = new Map<number, number>();
  /** Committed entries by index, as the first server to hand them out did. */
  private readonly history: Entry[] = [];
  private readonly hardTerms = new Map<number, { term: number; vote: number }>();
  private context = 0;
  /** Servers that a removal was proposed of: their ids are used up, whether it came through or not. */
  private readonly spent = new Set<number>();

  constructor(
    private readonly random: Random,
    size: number,
    learners = 0,
    private readonly spares = 0,
  ) {
    const ids = Array.from({ length: size + learners + spares }, (_, i) => i + 1);
    const configuration = configurationOf(ids.slice(0, size), ids.slice(size, size + learners));
    for (const id of ids.map(asMemberId)) {
      const log = createMemoryLog(id <= size + learners ? configuration : configurationOf([]));
      const raft = this.boot(id, log);
      this.servers.push({ id, log, raft, writing: [], down: false, applied: 0, reads: new Map() });
    }
  }

  private boot(id: MemberId, log: MemoryLog): RaftServer {
    return createRaft({
      id,
      log,
      applied: (log.snapshot()?.index ?? 0) as never,
      electionTicks: 6,
      heartbeatTicks: 1,
      random: this.random,
      maxBytesPerMessage: 60,
      maxInflightMessages: 4,
      maxInflightBytes: 200,
      maxUncommittedBytes: 2000,
    });
  }

  private pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  run(events: number, faults: number): void {
    for (let i = 0; i < events; i += 1) this.event(faults);
  }

  /** One thing happens. `faults` scales what goes wrong: 0 is a good day. */
  private event(faults: number): void {
    const dice = this.random();
    const server = this.pick(this.servers);
    if (dice < 0.45) this.deliverOne(faults);
    else if (dice < 0.6) this.ticks(server);
    else if (dice < 0.75) this.flush(server, 1 + Math.floor(this.random() * 2));
    else if (dice < 0.85) this.propose(server);
    else if (dice < 0.9) this.read(server);
    else if (dice < 0.91) this.compact(server);
    else if (dice < 0.93 && this.spares > 0) this.change(server);
    else if (this.random() < faults) this.fault(server);
  }

  private fault(server: Server): void {
    const dice = this.random();
    const other = this.pick(this.servers);
    if (dice < 0.25) this.crash(server);
    else if (dice < 0.5) this.cut.add(`${server.id}>${other.id}`);
    else if (dice < 0.75) this.cut.clear();
    else if (dice < 0.8 && !server.down) server.raft.transferLeadership(other.id);
    else if (dice < 0.9 && !server.down) server.raft.connectionLost(other.id);
    else if (!server.down) server.raft.unreachable(other.id);
    this.drain(server);
  }

  private ticks(server: Server): void {
    if (server.down) this.restart(server);
    else server.raft.tick();
    this.drain(server);
  }

  private deliverOne(faults: number): void {
    if (this.network.length === 0) return;
    const reorder = this.random() < faults;
    const at = reorder ? Math.floor(this.random() * this.network.length) : 0;
    const keep = this.random() < faults * 0.3;
    const message = this.network[at] as Message;
    if (!keep) this.network.splice(at, 1);
    const server = this.servers.find((each) => each.id === message.to) as Server;
    const lost = this.random() < faults * 0.2 || this.cut.has(`${message.from}>${message.to}`) || server.down;
    if (message.type === 'installSnapshot') this.reportSnapshot(message, !lost);
    if (lost) return;
    server.raft.step(message);
    this.drain(server);
  }

  private propose(server: Server): void {
    if (server.down) return;
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, Math.floor(this.random() * 0xffffffff));
    server.raft.propose(this.random() < 0.3 ? [data, data.slice(), data.slice()] : [data]);
    this.drain(server);
  }

  private read(server: Server): void {
    if (server.down) return;
    this.context += 1;
    if (server.raft.readIndex(this.context) === undefined)
      server.reads.set(this.context, this.history.length);
    this.drain(server);
  }

  /** One or two steps of any kind; most are refused, and that is part of it. */
  private change(server: Server): void {
    if (server.down) return;
    const types: ConfigurationChange['type'][] = [
      'addLearner',
      'addObserver',
      'addVoter',
      'promote',
      'remove',
    ];
    const steps = Array.from({ length: this.random() < 0.4 ? 2 : 1 }, () => ({
      type: this.pick(types),
      id: this.pick(this.servers).id,
    }));
    if (steps.some(({ type, id }) => type !== 'remove' && this.spent.has(id))) return;
    // A leader that removes itself and crashes before the others know keeps a group of two from electing anybody.
    const { voters } = server.raft.status().configuration;
    const staying = voters.filter(
      (voter) => !steps.some(({ type, id }) => type === 'remove' && id === voter),
    );
    if (staying.length <= voters.length / 2) return;
    const outcome = server.raft.proposeConfiguration(steps, new Uint8Array(0));
    if ('index' in outcome) {
      this.tally.changes += 1;
      for (const { type, id } of steps) if (type === 'remove') this.spent.add(id);
    }
    this.drain(server);
  }

  private compact(server: Server): void {
    if (server.down || server.writing.length > 0 || server.applied <= server.log.firstIndex()) return;
    const { configuration } = server.raft.status();
    const index = server.applied as never;
    const term = server.log.term(index);
    if (term === undefined) return;
    server.log.compact({ index, term, configuration });
    this.tally.snapshots += 1;
  }

  private flush(server: Server, count: number): void {
    for (let i = 0; i < count && server.writing.length > 0 && !server.down; i += 1) {
      const work = server.writing.shift() as AppendWork;
      server.log.append(work);
      if (work.snapshot !== undefined) server.applied = Math.max(server.applied, work.snapshot.index);
      if (work.hardState !== undefined) this.checkHardState(server, work);
      server.raft.appended(work.sequence);
      this.drain(server);
    }
  }

  private checkHardState(server: Server, work: AppendWork): void {
    const now = { term: work.hardState?.term ?? 0, vote: work.hardState?.vote ?? 0 };
    const before = this.hardTerms.get(server.id);
    if (before !== undefined) {
      demand(now.term >= before.term, `term of ${server.id} fell from ${before.term} to ${now.term}`);
      const changed = now.term === before.term && before.vote !== 0 && now.vote !== before.vote;
      demand(!changed, `${server.id} voted twice in term ${now.term}`);
    }
    this.hardTerms.set(server.id, now);
  }

  private crash(server: Server): void {
    // Of the writes in flight a prefix may have reached the disk, though nobody was told.
    const survivors = Math.floor(this.random() * (server.writing.length + 1));
    for (const work of server.writing.slice(0, survivors)) server.log.append(work);
    server.writing = [];
    server.down = true;
    server.reads.clear();
  }

  private restart(server: Server): void {
    server.applied = server.log.snapshot()?.index ?? 0;
    server.raft = this.boot(server.id, server.log);
    server.down = false;
    this.tally.restarts += 1;
  }

  private drain(server: Server): void {
    if (server.down) return;
    for (let ready = server.raft.ready(); ready !== undefined; ready = server.raft.ready()) {
      this.network.push(...ready.messages);
      this.forgetOldest();
      if (ready.append !== undefined) server.writing.push(ready.append);
      this.checkLeader(server, ready);
      for (const entry of ready.committed) this.checkCommitted(server, entry);
      if (ready.committed.length > 0) server.raft.applied(server.applied as never);
      for (const { context, index } of ready.readStates) this.checkRead(server, context, index);
      for (const context of ready.droppedReads) server.reads.delete(context);
    }
  }

  /** Beyond some length the network is a memory of old messages. A sender learns when its snapshot was lost. */
  private forgetOldest(): void {
    const excess = this.network.length - 300;
    if (excess <= 0) return;
    for (const message of this.network.splice(0, excess)) {
      if (message.type === 'installSnapshot') this.reportSnapshot(message, false);
    }
  }

  private reportSnapshot(message: Message, ok: boolean): void {
    const sender = this.servers.find((each) => each.id === message.from);
    if (sender !== undefined && !sender.down) sender.raft.snapshotSent(message.to, ok);
  }

  /** Election safety and leader completeness. */
  private checkLeader(server: Server, ready: Ready): void {
    if (ready.softState?.role !== 'leader') return;
    const { term } = ready.softState;
    const known = this.leaderOfTerm.get(term);
    demand(known === undefined || known === server.id, `two leaders in term ${term}`);
    if (known === undefined) this.tally.elections += 1;
    this.leaderOfTerm.set(term, server.id);
    demand(
      server.raft.status().lastIndex >= this.history.length,
      `leader ${server.id} lacks committed entries`,
    );
  }

  /** State machine safety and, through entries' identity, log matching of everything committed. */
  private checkCommitted(server: Server, entry: Entry): void {
    demand(
      entry.index === server.applied + 1,
      `${server.id} applied ${entry.index} behind ${server.applied}`,
    );
    server.applied = entry.index;
    const known = this.history[entry.index - 1];
    if (known === undefined) {
      demand(this.history.length === entry.index - 1, `commit ${entry.index} leaves a gap`);
      this.history.push(entry);
      this.tally.committed += 1;
      this.checkDurability(entry);
    } else demand(sameEntry(known, entry), `two entries committed at ${entry.index}`);
  }

  /** What is committed is on the disks of a quorum, of a configuration that somebody has in force. */
  private checkDurability(entry: Entry): void {
    const holders = new Set(
      this.servers
        .filter(({ log }) => log.firstIndex() > entry.index || log.term(entry.index) === entry.term)
        .map(({ id }) => id),
    );
    const inForce = this.servers.map((server): Configuration => server.raft.status().configuration);
    demand(
      inForce.some((configuration) => hasQuorum(configuration, (id) => holders.has(id))),
      `entry ${entry.index} was committed on the disks of ${[...holders].join(' ')}`,
    );
  }

  /** Those that the newest configuration in force names. */
  private members(): Server[] {
    const newest = this.servers.reduce((a, b) => (b.applied > a.applied ? b : a));
    const ids = membersOf(newest.raft.status().configuration);
    return this.servers.filter(({ id }) => ids.includes(id));
  }

  private checkRead(server: Server, context: number, index: number): void {
    const atLeast = server.reads.get(context);
    demand(atLeast !== undefined, `answer to read ${context}, which was not asked or was answered before`);
    demand(index >= atLeast, `read ${context} may see ${index}, but ${atLeast} was committed before it`);
    server.reads.delete(context);
    this.tally.reads += 1;
  }

  /** Faults end; within bounded time the group has a leader and all hold the same. */
  heal(): void {
    this.cut.clear();
    const goal = this.history.length + 1;
    for (let round = 0; round < 400; round += 1) {
      for (const server of this.servers) {
        this.ticks(server);
        this.flush(server, 10);
      }
      while (this.network.length > 0) {
        this.deliverOne(0);
        for (const server of this.servers) this.flush(server, 10);
      }
      if (this.members().every((server) => server.applied >= goal && server.applied === this.history.length))
        break;
      if (this.history.length < goal) for (const server of this.servers) this.propose(server);
    }
    this.checkConverged(goal);
  }

  private checkConverged(goal: number): void {
    const applied = this.members().map((server) => server.applied);
    demand(
      applied.every((index) => index >= goal && index === this.history.length),
      `no convergence: applied ${applied.join(' ')} of ${this.history.length}, wanted ${goal}; ${this.describe()}`,
    );
    for (const { id, log } of this.members()) {
      for (let index = log.firstIndex() as number; index <= this.history.length; index += 1) {
        const term = log.term(index as never);
        demand(term === this.history[index - 1]?.term, `log of ${id} differs at ${index}`);
      }
    }
  }

  private describe(): string {
    return JSON.stringify(this.servers.map(({ raft }) => raft.status()));
  }
}

function sameEntry(a: Entry, b: Entry): boolean {
  return a.term === b.term && a.type === b.type && a.data.join() === b.data.join();
}

function demand(holds: boolean, message: string): asserts holds {
  if (!holds) throw new RaftInvariantError(message);
}
