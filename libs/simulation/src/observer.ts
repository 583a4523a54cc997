import { createStore, restoreStoreAnew } from '#libs/mvcc';
import type { Store } from '#libs/mvcc';
import { decodeConfiguration } from '#libs/raft';
import type {
  Configuration,
  Entry,
  HardState,
  LogReader,
  Message,
  RaftOptions,
  RaftServer,
  Ready,
} from '#libs/raft';
import type { WatchEvent } from '#libs/history';
import type { Simulator } from './simulator.js';

const envelopeBytes = 16;
const nothing = new Uint8Array(0);

/** What is known of one server's disk and core. It outlives the server's processes. */
interface Seen {
  log: LogReader | undefined;
  raft: RaftServer | undefined;
  /** Terms of the log as the core sees it, by index; the part that is not durable yet included. */
  terms: number[];
  handedOut: number;
  /** Reads on their way: the index that their answer must not be below. */
  readonly reads: Map<number, number>;
  term: number;
  vote: number;
  /** Highest committed index that its disk held when its process ended. */
  committedOnDisk: number;
  compactRevision: number;
  /** The commit index last written. */
  commit: number;
  ledTerm: number;
  /** In force when it last showed something new to be committed. */
  configuration: Configuration | undefined;
  /** The newest change of membership that went into its log. */
  lastChange: number;
  /** A candidate that has asked and must get its vote, whatever the configuration here says. */
  owes: { readonly term: number; readonly candidate: number } | undefined;
  commitAtElection: number;
  /** By term and follower: what this server, leading, knew to be acknowledged. */
  readonly matched: Map<number, number>;
  /** The simulation took something from its disk that it may not miss. */
  mayHaveLost: boolean;
}

interface KnownEntry {
  readonly data: Uint8Array;
  readonly previousTerm: number;
}

/**
 * Looks on between each core and its host, and checks after every step what must always hold: one leader a term, votes
 * and acknowledgements only of what is durable, log matching, leader completeness, one committed history that every
 * replica applies in the same way, reads that miss nothing committed before them. It holds a reference store that is
 * fed the committed history once.
 */
export class Observer {
  /** Committed entries, as the first server handed them out. */
  readonly history: Entry[] = [];
  /** Changes of the Kubernetes space, in order of revision. */
  readonly changes: WatchEvent[] = [];
  readonly reference: Store = createStore();
  elections = 0;
  /** Committed configurations, oldest first. */
  private readonly configurations: Configuration[] = [];
  reads = 0;
  private readonly seen = new Map<number, Seen>();
  private readonly leaders = new Map<number, number>();
  /** By term and candidate: who sent it a vote. */
  private readonly votes = new Map<number, Set<number>>();
  /** Ids of reads that were forwarded. */
  private readonly forwarded = new Set<number>();
  private readonly entries = new Map<number, KnownEntry>();
  /** No earlier than the commitment, the term of whoever first showed it. */
  private readonly commitTerms: number[] = [];
  private readonly hashes: number[] = [];
  private readonly values = new Set<string>();
  private fencedTerm = 0;

  constructor(private readonly simulator: Simulator) {}

  private get configuration(): Configuration | undefined {
    return this.configurations.at(-1);
  }

  /** Whoever the newest committed configuration names; undefined while that is the first one. */
  get members(): readonly number[] | undefined {
    const { configuration } = this;
    if (configuration === undefined) return undefined;
    const { voters, learners, observers } = configuration;
    return [...voters, ...learners, ...observers];
  }

  get voters(): readonly number[] | undefined {
    return this.configuration?.voters;
  }

  of(server: number): Seen {
    let seen = this.seen.get(server);
    if (seen === undefined) {
      seen = {
        log: undefined,
        raft: undefined,
        terms: [],
        handedOut: 0,
        reads: new Map(),
        term: 0,
        vote: 0,
        committedOnDisk: 0,
        compactRevision: 0,
        commit: 0,
        ledTerm: 0,
        configuration: undefined,
        lastChange: 0,
        owes: undefined,
        commitAtElection: 0,
        matched: new Map(),
        mayHaveLost: false,
      };
      this.seen.set(server, seen);
    }
    return seen;
  }

  private demand(holds: boolean, what: () => string): void {
    if (!holds) this.simulator.fail(what());
  }

  /** The process has ended: what its disk held then must be there again. */
  ended(server: number): void {
    const seen = this.of(server);
    seen.raft = undefined;
    seen.reads.clear();
    if (seen.log !== undefined) seen.committedOnDisk = this.committedOn(seen.log);
  }

  private committedOn(log: LogReader): number {
    const last = Math.min(log.lastIndex(), this.history.length);
    for (let index = last; index > 0; index -= 1) {
      const term = log.term(index as never);
      if (term === undefined || term === this.history[index - 1]?.term) return index;
    }
    return 0;
  }

  /** Every committed entry that the server's disk holds is on that many other disks as well. */
  spare(server: number, voters: readonly number[]): boolean {
    const own = this.of(server).log;
    if (own === undefined) return false;
    const upTo = Math.max(own.lastIndex(), this.history.length);
    const holds = (id: number): boolean => {
      const log = this.of(id).log;
      return (
        log !== undefined &&
        log.lastIndex() >= upTo &&
        log.term(own.lastIndex()) === own.term(own.lastIndex())
      );
    };
    return voters.every((id) => id === server || holds(id));
  }

  /** Stands between a core that has just been made and its host. */
  watch(server: number, options: RaftOptions, raft: RaftServer): RaftServer {
    const seen = this.of(server);
    const { log } = options;
    this.checkBoot(server, seen, log);
    seen.log = log;
    seen.raft = raft;
    seen.handedOut = options.applied;
    seen.compactRevision = 0;
    seen.commit = 0;
    seen.configuration = undefined;
    seen.owes = undefined;
    seen.matched.clear();
    seen.terms = [];
    for (let index = log.firstIndex() - 1; index <= log.lastIndex(); index += 1)
      seen.terms[index] = log.term(index as never) ?? 0;
    const ready = raft.ready.bind(raft);
    const readIndex = raft.readIndex.bind(raft);
    this.watchInputs(server, seen, options, raft);
    raft.ready = () => {
      const next = ready();
      if (next !== undefined) this.observe(server, seen, log, raft, next);
      return next;
    };
    raft.readIndex = (context) => {
      const floor = this.history.length;
      const refusal = readIndex(context);
      if (refusal === undefined) seen.reads.set(context, floor);
      return refusal;
    };
    return raft;
  }

  /** What a single input may not do: a PreVote changes no term, a transfer ends, and takes no proposals meanwhile. */
  private watchInputs(server: number, seen: Seen, options: RaftOptions, raft: RaftServer): void {
    const step = raft.step.bind(raft);
    const tick = raft.tick.bind(raft);
    const propose = raft.propose.bind(raft);
    raft.step = (message) => {
      const { type, reject } = message;
      if (type === 'appendEntriesResponse' && !reject)
        return this.acknowledge(server, seen, step, raft, message);
      if (type === 'appendEntries') return this.append(server, step, raft, message);
      if (type === 'installSnapshot') return this.offerSnapshot(server, step, raft, message);
      if (type === 'requestVote') seen.owes = this.voteOwed(server, seen, raft, message);
      if (type !== 'preVote') return step(message);
      const { term } = raft.status().softState;
      step(message);
      const now = raft.status().softState.term;
      this.demand(now === term, () => `a PreVote moved ${server} from term ${term} to ${now}`);
    };
    let transferTicks = 0;
    raft.tick = () => {
      tick();
      transferTicks = raft.status().transferee === 0 ? 0 : transferTicks + 1;
      this.demand(transferTicks <= 2 * options.electionTicks, () => `a transfer by ${server} does not end`);
    };
    raft.propose = (data) => {
      const { transferee } = raft.status();
      const outcome = propose(data);
      this.demand(
        transferee === 0 || 'code' in outcome,
        () => `${server} took a proposal while it hands over`,
      );
      return outcome;
    };
  }

  private checkBoot(server: number, seen: Seen, log: LogReader): void {
    const { hardState } = log.initialState();
    const { term, vote, committedOnDisk, mayHaveLost } = seen;
    seen.mayHaveLost = false;
    if (!mayHaveLost) {
      this.demand(
        hardState.term >= term,
        () => `the term of ${server} fell from ${term} to ${hardState.term} over a restart`,
      );
      const forgot = hardState.term === term && vote !== 0 && hardState.vote !== vote;
      this.demand(!forgot, () => `${server} came back without its vote for ${vote} in term ${term}`);
      const onDisk = this.committedOn(log);
      this.demand(
        onDisk >= committedOnDisk,
        () =>
          `${server} came back with committed entries up to ${onDisk}; its disk had held ${committedOnDisk}`,
      );
    }
    seen.term = hardState.term;
    seen.vote = hardState.vote;
  }

  private observe(server: number, seen: Seen, log: LogReader, raft: RaftServer, ready: Ready): void {
    for (const message of ready.messages) this.checkMessage(server, seen, log, message);
    const { append, softState } = ready;
    const commit = append?.hardState?.commit ?? seen.commit;
    this.demand(
      commit >= seen.commit,
      () => `the commit index of ${server} fell from ${seen.commit} to ${commit}`,
    );
    seen.commit = commit;
    if (append !== undefined) {
      if (append.snapshot !== undefined) {
        seen.terms = [];
        seen.terms[append.snapshot.index] = append.snapshot.term;
        this.demand(
          append.snapshot.index > seen.handedOut,
          () => `${server} installs a snapshot of ${append.snapshot?.index} behind ${seen.handedOut}`,
        );
        seen.handedOut = Math.max(seen.handedOut, append.snapshot.index);
        const now = raft.status().configuration.voters.join();
        const named = append.snapshot.configuration.voters.join();
        this.demand(
          now === named,
          () => `${server} installs a snapshot of voters [${named}] and keeps [${now}]`,
        );
      }
      for (const entry of append.entries) {
        this.checkEntry(server, seen, entry);
        this.checkChange(server, seen, raft, entry);
      }
      this.checkVote(server, seen, append.hardState);
    }
    if (softState?.role === 'leader')
      this.checkLeader(server, seen, softState.term, raft.status().commitIndex);
    if (softState?.role === 'candidate' || softState?.role === 'preCandidate')
      this.checkCandidate(server, raft);
    for (const entry of ready.committed) this.checkCommitted(server, seen, raft, entry);
    for (const { context, index } of ready.readStates) this.checkRead(server, seen, context, index);
    for (const context of ready.droppedReads) seen.reads.delete(context);
  }

  /** An answer to what this server sent in an earlier term says nothing of its log now. */
  private acknowledgeLate(
    server: number,
    step: RaftServer['step'],
    raft: RaftServer,
    message: Message,
  ): void {
    const matchOf = (): number =>
      raft.status().progress.find(({ id }) => id === message.from)?.matchIndex ?? 0;
    const before = matchOf();
    step(message);
    const now = matchOf();
    this.demand(
      now === before || now === 0,
      () =>
        `${server} took an acknowledgement of term ${message.term} for one of ${raft.status().softState.term}`,
    );
  }

  /** Only what was matched is committed, whatever the leader has committed beyond it. */
  private append(server: number, step: RaftServer['step'], raft: RaftServer, message: Message): void {
    const lastMatched = message.logIndex + message.entries.length;
    if (message.commit <= lastMatched) return step(message);
    const before = raft.status().commitIndex;
    step(message);
    const { commitIndex } = raft.status();
    this.demand(
      commitIndex <= Math.max(before, lastMatched),
      () => `${server} committed up to ${commitIndex}; matched is ${lastMatched}`,
    );
  }

  private offerSnapshot(server: number, step: RaftServer['step'], raft: RaftServer, message: Message): void {
    const before = raft.status().commitIndex;
    step(message);
    const { commitIndex } = raft.status();
    this.demand(
      commitIndex >= before,
      () => `a snapshot took ${server} back from ${before} to ${commitIndex}`,
    );
  }

  /** Who does not know itself to vote may have been promoted since: it votes when it is asked, by the same rules. */
  private voteOwed(server: number, seen: Seen, raft: RaftServer, message: Message): Seen['owes'] {
    const { configuration, softState, lastIndex } = raft.status();
    const votes =
      configuration.voters.includes(server as never) ||
      configuration.votersOutgoing.includes(server as never);
    const lastTerm = seen.terms[lastIndex] ?? 0;
    const upToDate =
      message.logTerm > lastTerm || (message.logTerm === lastTerm && message.logIndex >= lastIndex);
    if (votes || softState.leader !== 0 || message.term <= softState.term || !upToDate) return undefined;
    return { term: message.term, candidate: message.from };
  }

  private checkVote(server: number, seen: Seen, hardState: HardState | undefined): void {
    const { owes } = seen;
    if (hardState === undefined || owes === undefined) return;
    seen.owes = undefined;
    this.demand(
      hardState.term !== owes.term || hardState.vote === owes.candidate,
      () =>
        `${server} did not vote for ${owes.candidate} in term ${owes.term}, as it does not know of its promotion`,
    );
  }

  /** A leader never takes back what a follower has acknowledged, whatever comes late. */
  private acknowledge(
    server: number,
    seen: Seen,
    step: RaftServer['step'],
    raft: RaftServer,
    message: Message,
  ): void {
    const key = message.term * 1024 + message.from;
    const before = seen.matched.get(key) ?? 0;
    if (message.term < seen.ledTerm) return this.acknowledgeLate(server, step, raft, message);
    if (message.logIndex >= before) {
      seen.matched.set(key, message.logIndex);
      return step(message);
    }
    step(message);
    const { softState, progress } = raft.status();
    if (softState.role !== 'leader' || softState.term !== message.term) return;
    const now = progress.find(({ id }) => id === message.from)?.matchIndex ?? before;
    this.demand(
      now >= before,
      () => `${server} lowered the match of ${message.from} from ${before} to ${now}`,
    );
  }

  /** What promises durability must not leave before it is true. */
  private checkMessage(server: number, seen: Seen, log: LogReader, message: Message): void {
    if (message.reject) return;
    switch (message.type) {
      case 'requestVote':
      case 'requestVoteResponse': {
        const { term, vote } = log.initialState().hardState;
        const candidate = message.type === 'requestVote' ? server : message.to;
        this.demand(
          term > message.term || (term === message.term && vote === candidate),
          () =>
            `${server} sent ${message.type} for ${candidate} in term ${message.term}; durable is a vote for ${vote} in ${term}`,
        );
        const twice = seen.term === message.term && seen.vote !== 0 && seen.vote !== candidate;
        this.demand(
          !twice,
          () => `${server} voted for ${seen.vote} and ${candidate} in term ${message.term}`,
        );
        this.noteVote(message.term * 1024 + candidate, server);
        if (message.term >= seen.term) {
          seen.term = message.term;
          seen.vote = candidate;
        }
        return;
      }
      case 'readIndex': {
        // A late answer to one request must not pass for that of another.
        const known = this.forwarded.has(message.context);
        this.demand(!known, () => `${server} asked for a read under id ${message.context} again`);
        this.forwarded.add(message.context);
        return;
      }
      case 'appendEntriesResponse':
        this.demand(
          log.lastIndex() >= message.logIndex,
          () => `${server} acknowledged ${message.logIndex}; durable is ${log.lastIndex()}`,
        );
        this.checkDurable(server, seen, log, message.logIndex);
        return;
      default:
    }
  }

  private noteVote(election: number, voter: number): void {
    const votes = this.votes.get(election);
    if (votes === undefined) this.votes.set(election, new Set([voter]));
    else votes.add(voter);
  }

  /** Durable is the entry that the core speaks of, not another one at its index. */
  private checkDurable(server: number, seen: Seen, log: LogReader, index: number): void {
    const [durable, meant] = [log.term(index as never), seen.terms[index]];
    this.demand(
      durable === undefined || meant === undefined || durable === meant,
      () => `${server} acknowledged ${index} of term ${meant}; durable there is one of term ${durable}`,
    );
  }

  /** Log matching, by induction: an entry of a term stands behind the same entry in every log. */
  private checkEntry(server: number, seen: Seen, entry: Entry): void {
    const { terms } = seen;
    const { index, term, data } = entry;
    const committed = this.history[index - 1];
    const conflict = committed !== undefined && index <= seen.handedOut && committed.term !== term;
    this.demand(!conflict, () => `${server} overwrites entry ${index}, which it had handed out as committed`);
    const previousTerm = terms[index - 1] ?? -1;
    terms.length = index;
    terms[index] = term;
    const key = term * 2 ** 26 + index;
    const known = this.entries.get(key);
    if (known === undefined) {
      this.entries.set(key, { data, previousTerm });
      return;
    }
    const same =
      sameBytes(known.data, data) &&
      (previousTerm === known.previousTerm || previousTerm < 0 || known.previousTerm < 0);
    this.demand(
      same,
      () => `entry ${index} of term ${term} differs between logs, or stands behind different ones`,
    );
  }

  private checkLeader(server: number, seen: Seen, term: number, commitIndex: number): void {
    const other = this.leaders.get(term);
    if (other === undefined) this.elections += 1;
    this.demand(
      other === undefined || other === server,
      () => `two leaders in term ${term}: ${other} and ${server}`,
    );
    if (other === undefined) this.checkElection(server, term);
    this.leaders.set(term, server);
    seen.ledTerm = term;
    seen.commitAtElection = commitIndex;
    let last = this.history.length;
    while (last > 0 && (this.commitTerms[last - 1] ?? 0) >= term) last -= 1;
    const held = seen.terms[last];
    const complete = last === 0 || last <= seen.handedOut || held === this.history[last - 1]?.term;
    this.demand(
      complete,
      () => `${server} leads term ${term} without entry ${last}, which was committed before`,
    );
  }

  private checkCommitted(server: number, seen: Seen, raft: RaftServer, entry: Entry): void {
    const { index } = entry;
    this.demand(index === seen.handedOut + 1, () => `${server} handed out ${index} behind ${seen.handedOut}`);
    seen.handedOut = index;
    const known = this.history[index - 1];
    if (known !== undefined) {
      const same =
        known.term === entry.term && known.type === entry.type && sameBytes(known.data, entry.data);
      this.demand(
        same,
        () =>
          `two entries were committed at ${index}: of terms ${known.term} and ${entry.term} (on ${server})`,
      );
      return;
    }
    if (this.history.length !== index - 1)
      return this.simulator.fail(`${server} committed ${index}, but nobody what is before it`);
    this.checkQuorum(server, seen, raft, entry);
    this.checkOwnTerm(server, seen, raft);
    this.history.push(entry);
    if (entry.type === 'configuration') this.configurations.push(decodeConfiguration(entry.data));
    this.commitTerms.push(raft.status().softState.term);
    this.applyToReference(entry);
  }

  /** A leader counts replicas of its own term's entries only (paper §5.4.2). */
  private checkOwnTerm(server: number, seen: Seen, raft: RaftServer): void {
    const { softState, commitIndex } = raft.status();
    if (
      softState.role !== 'leader' ||
      seen.ledTerm !== softState.term ||
      commitIndex <= seen.commitAtElection
    )
      return;
    const term = seen.terms[commitIndex];
    this.demand(
      term === softState.term,
      () =>
        `${server} leads term ${softState.term} and committed ${commitIndex}, of term ${term}, by counting`,
    );
  }

  /** A majority of each half of the voters has voted for it, each once. */
  private checkElection(server: number, term: number): void {
    const configuration = this.of(server).raft?.status().configuration;
    const votes = this.votes.get(term * 1024 + server) ?? new Set<number>();
    const won = (half: readonly number[]): boolean =>
      half.length === 0 || half.filter((id) => id === server || votes.has(id)).length * 2 > half.length;
    this.demand(
      configuration === undefined || (won(configuration.voters) && won(configuration.votersOutgoing)),
      () => `${server} leads term ${term} by the votes of [${[...votes].join()}] alone`,
    );
  }

  /** A majority of each half of the voters has it on disk. */
  private checkQuorum(server: number, seen: Seen, raft: RaftServer, entry: Entry): void {
    const { configuration, softState } = raft.status();
    const before = seen.configuration;
    seen.configuration = configuration;
    // A leader knows by which configuration it counted, or by the one before; a follower may be some behind.
    const known = softState.role === 'leader' ? [] : this.configurations.slice(-3);
    const counted = [configuration, ...known, ...(before === undefined ? [] : [before])];
    const holds = (id: number): boolean => {
      const log = this.of(id).log;
      return log !== undefined && (log.firstIndex() > entry.index || log.term(entry.index) === entry.term);
    };
    const majority = (half: readonly number[]): boolean =>
      half.length === 0 || half.filter(holds).length * 2 > half.length;
    this.demand(
      counted.some(({ voters, votersOutgoing }) => majority(voters) && majority(votersOutgoing)),
      () => {
        const holders = [...this.seen.keys()].filter(holds);
        return `${server} committed entry ${entry.index} of term ${entry.term}, which only the disks of [${holders.join()}] hold, of [${configuration.voters.join()}] and [${configuration.votersOutgoing.join()}]`;
      },
    );
  }

  /** One change of membership at a time, and none before the leader has committed something of its own term. */
  private checkChange(server: number, seen: Seen, raft: RaftServer, entry: Entry): void {
    if (entry.type !== 'configuration') return;
    const { softState, appliedIndex, commitIndex } = raft.status();
    const before = seen.lastChange;
    seen.lastChange = entry.index;
    if (softState.role !== 'leader' || softState.term !== entry.term) return;
    this.demand(
      before <= appliedIndex || before >= entry.index,
      () => `${server} began a change of membership at ${entry.index}, with that of ${before} unapplied`,
    );
    const term = seen.terms[commitIndex];
    this.demand(
      term === entry.term,
      () => `${server} began a change of membership in term ${entry.term}, committed is one of term ${term}`,
    );
  }

  /** Nobody stands for election who knows of a committed change of membership that is not in force there. */
  private checkCandidate(server: number, raft: RaftServer): void {
    const { appliedIndex, commitIndex } = raft.status();
    for (let index = appliedIndex + 1; index <= commitIndex; index += 1) {
      const unapplied = this.history[index - 1]?.type === 'configuration';
      this.demand(
        !unapplied,
        () => `${server} stands for election with the change of membership at ${index} unapplied`,
      );
    }
  }

  private applyToReference(entry: Entry): void {
    const { reference } = this;
    const { revision: before } = reference;
    const command =
      entry.type === 'normal' && entry.data.length > 0 ? entry.data.subarray(envelopeBytes) : nothing;
    const applied = reference.apply(entry.index, entry.term, command);
    this.hashes[entry.index] = reference.hash();
    const { revision } = reference;
    this.demand(
      revision === before || revision === before + 1,
      () => `revision ${revision} follows ${before} at entry ${entry.index}`,
    );
    if (applied?.space !== 'kubernetes') return;
    for (const { type, keyValue } of applied.events) {
      const value = type === 'delete' ? undefined : text(keyValue.value);
      this.demand(
        keyValue.modRevision === revision,
        () => `an event of revision ${keyValue.modRevision} at ${revision}`,
      );
      this.changes.push({ revision, key: keyValue.key, value });
      if (value !== undefined) this.checkValue(keyValue.key, value, entry.term);
    }
  }

  /** Every write of a client has a value of its own: seen twice, it was applied twice. Fenced writes bear their term. */
  private checkValue(key: string, value: string, term: number): void {
    this.demand(!this.values.has(value), () => `the write '${value}' of ${key} was applied twice`);
    this.values.add(value);
    if (!key.startsWith('fence/')) return;
    const claimed = Number(value.slice(0, value.indexOf(':')));
    this.demand(
      claimed === term && claimed >= this.fencedTerm,
      () => `a write fenced to term ${claimed} was applied in term ${term}`,
    );
    this.fencedTerm = claimed;
  }

  private checkRead(server: number, seen: Seen, context: number, index: number): void {
    const floor = seen.reads.get(context);
    this.demand(
      floor !== undefined,
      () => `${server} answered read ${context}, which was not asked or answered before`,
    );
    this.demand(
      index >= (floor ?? 0),
      () => `${server} may read at ${index}; ${floor} was committed before it asked`,
    );
    seen.reads.delete(context);
    this.reads += 1;
  }

  /** A cluster that is restored from a backup taken now never uses a revision twice, and holds what was backed up. */
  checkBackup(): void {
    const { reference } = this;
    const restored = restoreStoreAnew(reference.snapshot(), 1_000);
    this.demand(
      restored.revision >= reference.revision + 1_000 && restored.compactedRevision === restored.revision,
      () =>
        `a restored backup is at revision ${restored.revision}; the store it was taken of at ${reference.revision}`,
    );
    const [was, is] = [reference, restored].map((store) => store.range({ start: '', end: '~' }).keyValues);
    const same = was?.length === is?.length && was?.every(({ key }, i) => is?.[i]?.key === key);
    this.demand(
      same === true,
      () => 'a restored backup holds other keys than the store that it was taken of',
    );
  }

  /** A replica has applied up to here: it must hold what the reference store held there. */
  applied(
    server: number,
    state: { readonly index: number; readonly hash: number },
    compactRevision: number,
  ): void {
    const { index, hash } = state;
    this.simulator.mix(hash);
    this.demand(
      index <= this.history.length,
      () => `${server} applied ${index}; committed is ${this.history.length}`,
    );
    const expected = this.hashes[index];
    this.demand(
      expected === undefined || expected === hash,
      () => `the state of ${server} at entry ${index} differs from what the log says`,
    );
    const seen = this.of(server);
    const back = compactRevision < seen.compactRevision;
    this.demand(!back, () => `the compacted revision of ${server} went back to ${compactRevision}`);
    seen.compactRevision = compactRevision;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0;
}

/** A value as clients write it: its text, then padding behind a bar. */
export function text(value: Uint8Array): string {
  const all = Buffer.from(value).toString('latin1');
  const bar = all.indexOf('|');
  return bar < 0 ? all : all.slice(0, bar);
}
