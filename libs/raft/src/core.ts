import { ByteWindow } from './byte-window.js';
import { isVoter } from './configuration.js';
import { RaftLog } from './log.js';
import { makeMessage, type MessageFields } from './messages.js';
import type { Progress } from './progress.js';
import { ReadQueue } from './read-queue.js';
import {
  asTerm,
  noMember,
  type Configuration,
  type HardState,
  type MemberId,
  type Message,
  type MessageType,
  type RaftOptions,
  type Role,
  type Term,
} from './types.js';

/** The range that request ids start in; the rest of the safe integers is room to count. */
const firstIdRange = 2 ** 52;

/**
 * The state of one server. The rules that change it are functions beside it, a file for each part of the
 * protocol; this class only keeps the fields together and tells messages that may leave at once
 * from those that promise something which is not yet on disk.
 */
export class Core {
  readonly id: MemberId;
  readonly log: RaftLog;
  configuration: Configuration;

  currentTerm: Term;
  votedFor: MemberId;
  role: Role = 'follower';
  leader: MemberId = noMember;

  electionElapsed = 0;
  heartbeatElapsed = 0;
  randomizedElectionTimeout = 0;
  /** Ticks until the campaign that follows a lost connection to the leader; 0 if none is due. */
  hurriedCampaignIn = 0;

  /** Told to take over, while a committed change of membership was not applied: it campaigns as soon as that is. */
  takeoverDue = false;

  /** Answers to this server's campaign, the first of each peer. */
  readonly votes = new Map<MemberId, boolean>();
  /** On a leader: everyone else in the configuration. */
  readonly progress = new Map<MemberId, Progress>();
  transferee: MemberId = noMember;
  /** On a leader: its proposals that are not committed. */
  readonly uncommitted = new ByteWindow();
  /** On a leader: no configuration entry may follow while one up to here is unapplied. */
  pendingConfigurationIndex = 0;
  /** Handed out as committed, in effect once applied. */
  readonly unappliedConfigurations: { readonly index: number; readonly configuration: Configuration }[] = [];
  readonly reads: ReadQueue;

  /** Messages for the next Ready. */
  outbox: Message[] = [];
  /** Messages that promise what the next AppendWork (or one in flight) makes durable. */
  promises: Message[] = [];

  constructor(
    readonly options: RaftOptions,
    hardState: HardState,
    configuration: Configuration,
  ) {
    this.id = options.id;
    this.log = new RaftLog(options.log, options.applied, hardState.commit);
    this.configuration = configuration;
    this.currentTerm = hardState.term;
    this.votedFor = hardState.vote;
    this.reads = new ReadQueue(Math.floor(options.random() * firstIdRange));
    this.drawElectionTimeout();
  }

  /** May stand for election: votes in the configuration, and its log is all there. */
  get promotable(): boolean {
    return isVoter(this.configuration, this.id) && !this.log.restoring;
  }

  /** Uniform in [electionTicks, 2·electionTicks), anew for every wait (paper §5.2). */
  drawElectionTimeout(): void {
    const { electionTicks, random } = this.options;
    this.electionElapsed = 0;
    this.randomizedElectionTimeout = electionTicks + Math.floor(random() * electionTicks);
  }

  /** A message that promises nothing: it leaves with the next Ready. */
  send(type: MessageType, to: MemberId, fields: MessageFields = {}): void {
    this.outbox.push(makeMessage(type, this.id, to, this.currentTerm, fields));
  }

  /**
   * A message that holds only if everything this server now knows survives a crash (a vote, an
   * acknowledgement, a campaign's claim to a term and a log): it leaves once that is durable.
   * To itself it is delivered by the same rule.
   */
  promise(type: MessageType, to: MemberId, fields: MessageFields = {}): void {
    this.promises.push(makeMessage(type, this.id, to, this.currentTerm, fields));
  }

  sendAs(term: Term | 0, type: MessageType, to: MemberId, fields: MessageFields): void {
    this.outbox.push(makeMessage(type, this.id, to, asTerm(term), fields));
  }
}
