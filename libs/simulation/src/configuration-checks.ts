import { decodeConfiguration } from '#libs/raft';
import type { Configuration, Entry, RaftServer } from '#libs/raft';
import type { Demand, Seen } from './seen.js';

/** Which configurations were committed, and what must hold of them: quorums, one change at a time, none acted on too early. */
export class ConfigurationChecks {
  /** The one of the beginning, then those that were committed. */
  private readonly known: Configuration[] = [];

  constructor(
    private readonly demand: Demand,
    private readonly seen: ReadonlyMap<number, Seen>,
  ) {}

  /** Of the first server that starts. */
  begin(configuration: Configuration): void {
    if (this.known.length === 0) this.known.push(configuration);
  }

  committed(entry: Entry): void {
    if (entry.type === 'configuration') this.known.push(decodeConfiguration(entry.data));
  }

  private get configuration(): Configuration | undefined {
    return this.known.slice(1).at(-1);
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

  /** Something is handed out: by which configuration it was counted is known of the last two. */
  follow(seen: Seen, raft: RaftServer): void {
    const { configuration, commitIndex } = raft.status();
    if (configuration === seen.configuration) return;
    seen.configurationBefore = seen.configuration;
    seen.countedBeforeTo = commitIndex;
    seen.configuration = configuration;
  }

  /** A configuration is acted on once the disk knows that it is committed. */
  checkKnown(server: number, seen: Seen, { type, index }: Entry): void {
    const commit = seen.log?.initialState().hardState.commit ?? 0;
    this.demand(
      type !== 'configuration' || commit >= index,
      () => `${server} acts on the configuration at ${index}; its disk knows of commits up to ${commit}`,
    );
  }

  /** A majority of each half of the voters has it on disk. */
  checkQuorum(server: number, seen: Seen, raft: RaftServer, entry: Entry): void {
    const { configuration, softState } = raft.status();
    const before = entry.index <= seen.countedBeforeTo ? seen.configurationBefore : undefined;
    // A leader knows by which configuration it counted, or by the one before; a follower may be some behind.
    const known = softState.role === 'leader' ? [] : this.known.slice(-3);
    const counted = [configuration, ...known, ...(before === undefined ? [] : [before])];
    const holds = (id: number): boolean => {
      const log = this.seen.get(id)?.log;
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
  checkChange(server: number, seen: Seen, raft: RaftServer, entry: Entry): void {
    const before = entry.index <= seen.lastChange ? 0 : seen.lastChange;
    seen.lastChange = entry.type === 'configuration' ? entry.index : before;
    if (entry.type !== 'configuration') return;
    const { softState, appliedIndex, commitIndex } = raft.status();
    if (softState.role !== 'leader' || softState.term !== entry.term) return;
    this.demand(
      before <= appliedIndex,
      () => `${server} began a change of membership at ${entry.index}, with that of ${before} unapplied`,
    );
    const term = seen.terms[commitIndex];
    this.demand(
      term === entry.term,
      () => `${server} began a change of membership in term ${entry.term}, committed is one of term ${term}`,
    );
  }

  /** Nobody stands for election who knows of a committed change of membership that is not in force there. */
  checkCandidate(server: number, raft: RaftServer, history: readonly Entry[]): void {
    const { appliedIndex, commitIndex } = raft.status();
    for (let index = appliedIndex + 1; index <= commitIndex; index += 1) {
      const unapplied = history[index - 1]?.type === 'configuration';
      this.demand(
        !unapplied,
        () => `${server} stands for election with the change of membership at ${index} unapplied`,
      );
    }
  }
}
