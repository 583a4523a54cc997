/** A Raft term. Only ever grows on one server. */
export type Term = number & { readonly __brand: 'Term' };
/** A position in the replicated log; the first entry has index 1, 0 means "before the log". */
export type LogIndex = number & { readonly __brand: 'LogIndex' };
/** A server of the group: a positive safe integer, never reused. 0 means "nobody". */
export type MemberId = number & { readonly __brand: 'MemberId' };

export const asTerm = (n: number): Term => n as Term;
export const asLogIndex = (n: number): LogIndex => n as LogIndex;
export const asMemberId = (n: number): MemberId => n as MemberId;
export const noMember = 0 as MemberId;

/**
 * One entry of the replicated log. `data` is owned by the log from the moment it is proposed:
 * nobody may write to it again. `normal` entries with empty data are the no-ops of new leaders.
 */
export interface Entry {
  readonly term: Term;
  readonly index: LogIndex;
  readonly type: 'normal' | 'configuration';
  readonly data: Uint8Array;
}

/** What must be durable before a server answers anything that depends on it. */
export interface HardState {
  readonly term: Term;
  readonly vote: MemberId;
  readonly commit: LogIndex;
}

/** Who votes and who only listens. Joint consensus holds the outgoing voters beside the incoming ones. */
export interface Configuration {
  readonly voters: readonly MemberId[];
  /** Non-empty only while a joint change is under way. */
  readonly votersOutgoing: readonly MemberId[];
  /** They receive the log and may be promoted. */
  readonly learners: readonly MemberId[];
  /** They receive the log for good: never promoted, part of no quorum. */
  readonly observers: readonly MemberId[];
  /**
   * What the host knows of the members (names, addresses), opaque here. Replicated, applied and kept in snapshots with
   * the lists, so that the two cannot disagree. Nobody writes to it again.
   */
  readonly context: Uint8Array;
}

/** One step of a change of membership. An id that was removed must not be added again: its old self may still run. */
export interface ConfigurationChange {
  readonly type: 'addLearner' | 'addObserver' | 'addVoter' | 'promote' | 'remove';
  readonly id: MemberId;
}

/** What identifies a snapshot. Its bytes belong to the host; the core moves only this. */
export interface SnapshotMetadata {
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
}

export type MessageType =
  | 'requestVote'
  | 'requestVoteResponse'
  | 'preVote'
  | 'preVoteResponse'
  | 'appendEntries'
  | 'appendEntriesResponse'
  | 'heartbeat'
  | 'heartbeatResponse'
  | 'installSnapshot'
  | 'readIndex'
  | 'readIndexResponse'
  | 'propose'
  | 'timeoutNow';

/**
 * A message between two servers. One flat record for all types, so that a codec is one function;
 * a field that a type does not use holds its zero value.
 */
export interface Message {
  readonly type: MessageType;
  readonly from: MemberId;
  readonly to: MemberId;
  /** The sender's term; for preVote, the term it would campaign in. 0 for propose and readIndex. */
  readonly term: Term;
  /** prevLogIndex, last log index of a candidate, matched index of a response, read index. */
  readonly logIndex: LogIndex;
  /** prevLogTerm, last log term of a candidate. */
  readonly logTerm: Term;
  readonly commit: LogIndex;
  readonly entries: readonly Entry[];
  readonly reject: boolean;
  /** With a rejected append: where the leader should try next (paper §5.3, by term). */
  readonly rejectHint: LogIndex;
  /** Identifies a ReadIndex request or the heartbeat round that serves it; never reused. A safe integer (up to 2^53). */
  readonly context: number;
  readonly snapshot: SnapshotMetadata | undefined;
  /** Set on votes of a leader transfer: the leader's lease does not protect it against this one. */
  readonly transfer: boolean;
}

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** Volatile state that hosts show to people and use for routing. */
export interface SoftState {
  readonly role: Role;
  /** noMember while unknown. */
  readonly leader: MemberId;
  readonly term: Term;
}

/** A ReadIndex request that may be answered once `index` has been applied. */
export interface ReadState {
  readonly context: number;
  readonly index: LogIndex;
}

/**
 * One ordered unit of durable work. The host writes snapshot, entries and hard state in this
 * order, makes them durable, and then calls `appended(sequence)`: in order, exactly once.
 * Entries may overwrite a conflicting tail: the first entry's index says from where.
 * LogReader must show them by the time `appended` is called. With a snapshot, `appended` also says that
 * the state machine holds it. A commit index that is newer than the last one written is no work of
 * its own: it goes along with the next write, and after a crash is learned from the leader.
 */
export interface AppendWork {
  readonly sequence: number;
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  /** A received snapshot to install; the log restarts behind it. */
  readonly snapshot: SnapshotMetadata | undefined;
}

/** Everything that came of the steps since the last `ready()`. */
export interface Ready {
  /** To be sent now, in order, without waiting for the disk (a leader's appends overlap its own fsync). */
  readonly messages: readonly Message[];
  /** To be made durable; messages that promise durability (votes, acknowledgements) come in a later Ready, after `appended`. */
  readonly append: AppendWork | undefined;
  /** Committed and locally durable, in log order, each handed out once. Apply, then call `applied`. */
  readonly committed: readonly Entry[];
  readonly readStates: readonly ReadState[];
  /** Contexts of reads and proposals that this server gave up on (leader changed): the host retries or fails them. */
  readonly droppedReads: readonly number[];
  /** Present only when it changed. */
  readonly softState: SoftState | undefined;
}

/** What the core reads back of its durable log. The host's log answers from memory for the recent past. */
export interface LogReader {
  /** The configuration is the one in force at `RaftOptions.applied`. */
  initialState(): { readonly hardState: HardState; readonly configuration: Configuration };
  /** First index still available as an entry (snapshot index + 1). */
  firstIndex(): LogIndex;
  lastIndex(): LogIndex;
  /** Term of an entry in [firstIndex − 1, lastIndex]; undefined when compacted or beyond the end. */
  term(index: LogIndex): Term | undefined;
  /** Entries in [from, to), at least one when the range is not empty, at most about maxBytes. */
  entries(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[];
  /** The newest durable snapshot, for followers that are behind firstIndex. */
  snapshot(): SnapshotMetadata | undefined;
}

export interface RaftOptions {
  readonly id: MemberId;
  readonly log: LogReader;
  /** Index up to which the host's state machine already holds the log (a restored snapshot), 0 if nothing. */
  readonly applied: LogIndex;
  /** Ticks without a leader before an election; randomised in [electionTicks, 2·electionTicks). */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Uniform in [0, 1): the only source of chance. */
  readonly random: () => number;
  readonly maxBytesPerMessage: number;
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
  /** Proposals beyond this many bytes of uncommitted entries are refused. */
  readonly maxUncommittedBytes: number;
}

/** Why a proposal or a read was not taken. `leader` is a hint, noMember if unknown. */
export type Refusal =
  | { readonly code: 'NotLeader'; readonly leader: MemberId }
  | {
      readonly code: 'ProposalDropped';
      readonly reason: 'transferring' | 'uncommittedBytes' | 'removed' | 'tooManyReads';
    };

/**
 * Why a change of membership was not taken. Nothing was appended.
 * - `pending`: an earlier change is not applied, or this leader has committed nothing in its term yet. Try again.
 * - `knownMember`, `unknownMember`: the id is, or is not, part of the configuration.
 * - `notLearner`: only a learner is promoted, neither a voter nor an observer.
 * - `laggard`: the learner holds less than nine tenths of the leader's log, or has not been heard of lately.
 * - `lastVoter`: nobody would be left to vote.
 * - `quorumLoss`: of the voters then, too few have been heard of lately to commit anything.
 * - `transferring`: leadership is being handed over.
 */
export type ConfigurationRefusalReason =
  | 'pending'
  | 'knownMember'
  | 'unknownMember'
  | 'notLearner'
  | 'laggard'
  | 'lastVoter'
  | 'quorumLoss'
  | 'transferring';

export type ConfigurationRefusal =
  | { readonly code: 'NotLeader'; readonly leader: MemberId }
  | { readonly code: 'ConfigurationRefused'; readonly reason: ConfigurationRefusalReason };

/** One follower as its leader sees it. */
export interface FollowerProgress {
  readonly id: MemberId;
  readonly matchIndex: LogIndex;
  readonly nextIndex: LogIndex;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  /** Heard of within one to two election timeouts: counted by `quorumLoss`. */
  readonly recentlyActive: boolean;
  /** Appends with entries that were sent and are not answered yet, and the bytes of those entries. */
  readonly inflightMessages: number;
  readonly inflightBytes: number;
}

export interface RaftStatus {
  readonly id: MemberId;
  readonly softState: SoftState;
  readonly commitIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly configuration: Configuration;
  /** Empty unless leader. */
  readonly progress: readonly FollowerProgress[];
  readonly transferee: MemberId;
}

/**
 * One Raft server as a pure function of its inputs. Nothing here blocks, throws for a peer's
 * input, or keeps a reference to time. After any input, call `ready()` until it is undefined.
 */
export interface RaftServer {
  /** A message from a peer. Unknown senders and stale terms are handled by the rules, never thrown. */
  step(message: Message): void;
  /** One unit of time has passed. */
  tick(): void;
  /** Appends on a leader (all or nothing). Followers refuse with a hint; forwarding is the host's choice. */
  propose(data: readonly Uint8Array[]): { readonly from: LogIndex } | Refusal;
  /**
   * Proposes a change of membership on a leader. What changes more than one voter goes through joint consensus, which the
   * leader leaves by itself; each other change is one entry. No changes with a new `context` replace only that.
   * It rules once its entry is applied; until then, and until a joint configuration is left, further ones are refused.
   */
  proposeConfiguration(
    changes: readonly ConfigurationChange[],
    context: Uint8Array,
  ): { readonly index: LogIndex } | ConfigurationRefusal;
  /** Asks for a linearizable read point. `context` must be unique over the life of this process. Works on any server. */
  readIndex(context: number): Refusal | undefined;
  /** Hands leadership over; refused proposals meanwhile, given up after one election timeout. */
  transferLeadership(to: MemberId): Refusal | undefined;
  /** The connection to a peer has closed: if it was the leader, campaign (PreVote) without waiting for the timeout. */
  connectionLost(peer: MemberId): void;
  /** Messages to this peer were dropped by the transport: go back to probing. */
  unreachable(peer: MemberId): void;
  /** A snapshot stream to a follower ended. */
  snapshotSent(peer: MemberId, ok: boolean): void;
  /** The newest work, or undefined when there is none. */
  ready(): Ready | undefined;
  /** The append of this sequence is durable (see AppendWork). */
  appended(sequence: number): void;
  /** The state machine holds the log up to this index. */
  applied(index: LogIndex): void;
  status(): RaftStatus;
}
