import type { HardState, Message, RaftOptions, RaftServer } from '#libs/raft';
import type { Demand, Seen } from './seen.js';

/** Looks at what each input does to a core: late, doubled and foreign answers, snapshots, transfers, votes that are owed. */
export class InputChecks {
  constructor(private readonly demand: Demand) {}

  /** What a single input may not do: a PreVote changes no term, a transfer ends, and takes no proposals meanwhile. */
  watch(server: number, seen: Seen, options: RaftOptions, raft: RaftServer): void {
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
    let transferee = raft.status().transferee;
    raft.tick = () => {
      const before = transferee;
      tick();
      ({ transferee } = raft.status());
      // One to another target has a time of its own.
      transferTicks = transferee === 0 || transferee !== before ? 0 : transferTicks + 1;
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

  checkVote(server: number, seen: Seen, hardState: HardState | undefined): void {
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
}
