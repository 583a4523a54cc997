import {
  asLogIndex,
  asMemberId,
  configurationOfVoters,
  createMemoryLog,
  createRaft,
  type AppendWork,
  type Configuration,
  type ConfigurationChange,
  type Entry,
  type MemberId,
  type MemoryLog,
  type Message,
  type RaftOptions,
  type RaftServer,
  type Ready,
  type SnapshotMetadata,
} from '../src/index.js';

export type Observer = (id: number, ready: Ready) => void;
export type Overrides = Partial<Omit<RaftOptions, 'id' | 'log'>>;

/** A server with the simplest correct host, whose disk and state machine the test may hold back. */
export class Host {
  raft: RaftServer;
  readonly applied: Entry[] = [];
  readonly readStates: { context: number; index: number }[] = [];
  readonly droppedReads: number[] = [];
  /** Handed out, not durable. */
  readonly writing: AppendWork[] = [];
  /** While true, writes stay in `writing` and nothing is reported durable. */
  diskHeld = false;

  constructor(
    readonly id: MemberId,
    readonly log: MemoryLog,
    private readonly options: Overrides,
  ) {
    this.raft = this.create();
  }

  private create(): RaftServer {
    return createRaft({
      id: this.id,
      log: this.log,
      applied: this.log.snapshot()?.index ?? asLogIndex(0),
      electionTicks: 10,
      heartbeatTicks: 1,
      random: this.random(),
      maxBytesPerMessage: 1 << 16,
      maxInflightMessages: 64,
      maxInflightBytes: 1 << 20,
      maxUncommittedBytes: 1 << 20,
      ...this.options,
    });
  }

  /** Request ids begin at 1; election timeouts grow with the id, so that tests know who is first. */
  private random(): () => number {
    let calls = 0;
    const share = ((this.id - 1) % 10) / 10;
    return () => (calls++ === 0 ? 0 : share);
  }

  /** Power off and on: what was not durable is lost, the state machine is rebuilt from snapshot and log. */
  restart(): void {
    this.writing.length = 0;
    this.applied.length = 0;
    this.raft = this.create();
  }

  /** Completes the oldest writes. */
  flush(count = Infinity): void {
    for (let done = 0; done < count && this.writing.length > 0; done += 1) {
      const work = this.writing.shift() as AppendWork;
      this.log.append(work);
      this.raft.appended(work.sequence);
    }
  }

  /** Drains the server; returns the messages to send. */
  drain(observe?: Observer): Message[] {
    const messages: Message[] = [];
    for (let ready = this.raft.ready(); ready !== undefined; ready = this.raft.ready()) {
      observe?.(this.id, ready);
      messages.push(...ready.messages);
      if (ready.append !== undefined) this.writing.push(ready.append);
      this.applied.push(...ready.committed);
      const last = ready.committed.at(-1);
      if (last !== undefined) this.raft.applied(last.index);
      this.readStates.push(...ready.readStates);
      this.droppedReads.push(...ready.droppedReads);
      if (!this.diskHeld) this.flush();
    }
    return messages;
  }

  /** Takes a snapshot at the applied index and drops the log before it. */
  compact(): SnapshotMetadata {
    const { appliedIndex: index, configuration } = this.raft.status();
    const term = this.log.term(index) ?? this.raft.status().softState.term;
    const snapshot = { index, term, configuration };
    this.log.compact(snapshot);
    return snapshot;
  }
}

export const configurationOf = (
  voters: readonly number[],
  learners: readonly number[] = [],
): Configuration => ({
  ...configurationOfVoters(voters.map(asMemberId)),
  learners: learners.map(asMemberId),
});

/** Servers joined by a network that loses nothing by itself and delivers when told to. */
export class Group {
  readonly hosts = new Map<number, Host>();
  network: Message[] = [];
  private readonly cut = new Set<string>();
  private readonly dead = new Set<number>();

  constructor(
    readonly configuration: Configuration,
    ids: readonly number[],
    private readonly options: Overrides = {},
    private readonly observe?: Observer,
  ) {
    for (const id of ids) {
      this.hosts.set(id, new Host(asMemberId(id), createMemoryLog(configuration), this.options));
    }
  }

  /** A server that starts with nothing: it knows no configuration, and nobody knows it yet. */
  join(id: number): void {
    this.hosts.set(id, new Host(asMemberId(id), createMemoryLog(configurationOf([])), this.options));
  }

  static of(voters: readonly number[], options: Overrides = {}): Group {
    return new Group(configurationOf(voters), voters, options);
  }

  host(id: number): Host {
    const host = this.hosts.get(id);
    if (host === undefined) throw new Error(`no server ${id}`);
    return host;
  }

  raft(id: number): RaftServer {
    return this.host(id).raft;
  }

  /** Messages one way between two servers are lost from now on. */
  cutLink(from: number, to: number): void {
    this.cut.add(`${from}>${to}`);
  }

  isolate(id: number): void {
    for (const other of this.hosts.keys()) {
      this.cutLink(id, other);
      this.cutLink(other, id);
    }
  }

  heal(): void {
    this.cut.clear();
  }

  kill(id: number): void {
    this.dead.add(id);
  }

  restart(id: number): void {
    this.dead.delete(id);
    this.host(id).restart();
  }

  /** Moves what every server has to send onto the network. */
  collect(): void {
    for (const [id, host] of this.hosts) {
      if (!this.dead.has(id)) this.network.push(...host.drain(this.observe));
    }
  }

  /** Delivers what is on the network now; true if there was anything. */
  deliver(): boolean {
    const messages = this.network;
    this.network = [];
    for (const message of messages) {
      if (this.dead.has(message.to) || this.cut.has(`${message.from}>${message.to}`)) continue;
      this.hosts.get(message.to)?.raft.step(message);
    }
    return messages.length > 0;
  }

  /** Until nobody has anything more to say. */
  settle(): void {
    do this.collect();
    while (this.deliver());
  }

  tick(id: number, times = 1): void {
    for (let i = 0; i < times; i += 1) this.raft(id).tick();
  }

  /** Time passes for everyone, one tick at a time. */
  run(ticks: number): void {
    for (let i = 0; i < ticks; i += 1) {
      for (const id of this.hosts.keys()) if (!this.dead.has(id)) this.tick(id);
      this.settle();
    }
  }

  /** Lets one server's election timeout pass and settles. */
  elect(id: number): void {
    for (let ticks = 0; this.role(id) === 'follower' && ticks < 20; ticks += 1) this.tick(id);
    this.settle();
  }

  leaders(): number[] {
    return [...this.hosts.keys()].filter((id) => !this.dead.has(id) && this.role(id) === 'leader');
  }

  role(id: number): string {
    return this.raft(id).status().softState.role;
  }

  term(id: number): number {
    return this.raft(id).status().softState.term;
  }

  propose(id: number, ...texts: string[]): ReturnType<RaftServer['propose']> {
    return this.raft(id).propose(texts.map((text) => new TextEncoder().encode(text)));
  }

  /** `change(1, 'promote', 4)`: proposes on server 1; several pairs make one joint change. */
  change(
    on: number,
    ...steps: readonly (readonly [ConfigurationChange['type'], number])[]
  ): ReturnType<RaftServer['proposeConfiguration']> {
    const changes = steps.map(([type, id]) => ({ type, id: asMemberId(id) }));
    return this.raft(on).proposeConfiguration(changes, new Uint8Array(0));
  }

  /** The texts that a server has applied. */
  texts(id: number): string[] {
    return this.host(id)
      .applied.filter((entry) => entry.type === 'normal' && entry.data.length > 0)
      .map((entry) => new TextDecoder().decode(entry.data));
  }
}
