import type { Entry, LogReader, Message, RaftOptions, RaftServer, Ready } from '#libs/raft';
import { ConfigurationChecks } from './configuration-checks.js';
import { InputChecks } from './input-checks.js';
import { Reference } from './reference.js';
import { nothingSeen } from './seen.js';
import type { Demand, KnownEntry, Seen } from './seen.js';
import type { Simulator } from './simulator.js';

/**
 * Looks on between each core and its host, and checks after every step what must always hold: one leader a term, votes
 * and acknowledgements only of what is durable, log matching, leader completeness, one committed history that every
 * replica applies in the same way, reads that miss nothing committed before them. It holds a reference store that is
 * fed the committed history once.
 */
export class Observer {
  /** Committed entries, as the first server handed them out. */
  readonly history: Entry[] = [];
  readonly reference: Reference;
  readonly configurations: ConfigurationChecks;
  private readonly inputs: InputChecks;
  elections = 0;
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

  constructor(private readonly simulator: Simulator) {
    const demand: Demand = (holds, what) => this.demand(holds, what);
    this.reference = new Reference(demand);
    this.inputs = new InputChecks(demand);
    this.configurations = new ConfigurationChecks(demand, this.seen);
  }

  of(server: number): Seen {
    let seen = this.seen.get(server);
    if (seen === undefined) {
      seen = nothingSeen();
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
    seen.configuration = log.initialState().configuration;
    seen.countedBeforeTo = 0;
    // What a crash took from the log was never begun.
    if (seen.lastChange > log.lastIndex()) seen.lastChange = 0;
    this.configurations.begin(log.initialState().configuration);
    seen.owes = undefined;
    seen.matched.clear();
    seen.terms = [];
    for (let index = log.firstIndex() - 1; index <= log.lastIndex(); index += 1)
      seen.terms[index] = log.term(index as never) ?? 0;
    const ready = raft.ready.bind(raft);
    const readIndex = raft.readIndex.bind(raft);
    this.inputs.watch(server, seen, options, raft);
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
        this.configurations.checkChange(server, seen, raft, entry);
      }
      this.inputs.checkVote(server, seen, append.hardState);
    }
    if (softState?.role === 'leader')
      this.checkLeader(server, seen, softState.term, raft.status().commitIndex);
    if (softState?.role === 'candidate' || softState?.role === 'preCandidate')
      this.configurations.checkCandidate(server, raft, this.history);
    if (ready.committed.length > 0) this.configurations.follow(seen, raft);
    for (const entry of ready.committed) this.checkCommitted(server, seen, raft, entry);
    for (const { context, index } of ready.readStates) this.checkRead(server, seen, context, index);
    for (const context of ready.droppedReads) seen.reads.delete(context);
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
    const durableCommit = seen.log?.initialState().hardState.commit ?? 0;
    this.demand(
      entry.type !== 'configuration' || durableCommit >= index,
      () =>
        `${server} acts on the configuration at ${index}; its disk knows of commits up to ${durableCommit}`,
    );
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
    this.configurations.checkQuorum(server, seen, raft, entry);
    this.checkOwnTerm(server, seen, raft);
    this.history.push(entry);
    this.configurations.committed(entry);
    this.commitTerms.push(raft.status().softState.term);
    this.reference.apply(entry);
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
    this.simulator.note(() => `m${server} leads term ${term}`);
    const configuration = this.of(server).raft?.status().configuration;
    const votes = this.votes.get(term * 1024 + server) ?? new Set<number>();
    const won = (half: readonly number[]): boolean =>
      half.length === 0 || half.filter((id) => id === server || votes.has(id)).length * 2 > half.length;
    this.demand(
      configuration === undefined || (won(configuration.voters) && won(configuration.votersOutgoing)),
      () => `${server} leads term ${term} by the votes of [${[...votes].join()}] alone`,
    );
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
    const expected = this.reference.hashAt(index);
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
