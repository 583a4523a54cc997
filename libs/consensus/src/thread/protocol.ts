import type { MemberId, Role, SnapshotMetadata, Term } from '#libs/raft';
import type { ChangeOutcome, MemberChange } from '../membership/member-change.js';
import type { InitialMember, MemberAddress } from '../membership/member-directory.js';
import type { DiskFault } from '../environment/faulty-disk.js';
import type { HistogramSnapshot, PeerMetrics } from '../metrics.js';
import type { PeerTls } from '../transport/handshake.js';

/** What the consensus thread needs to start; crosses to the worker as its workerData. */
export interface ThreadOptions {
  readonly clusterId: string;
  readonly memberId: number;
  /** The first members of the cluster. */
  readonly members: readonly InitialMember[];
  /** Addresses that this process was started with; they go before replicated ones. */
  readonly addresses: readonly MemberAddress[];
  /** Starts without a configuration. */
  readonly joined: boolean;
  readonly host: string;
  readonly port: number;
  readonly tls: PeerTls;
  readonly logDirectory: string;
  readonly snapshotDirectory: string;
  /** The snapshot that the store was restored from. */
  readonly restored: SnapshotMetadata | undefined;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly segmentBytes: number | undefined;
  readonly logKeepBytes: number | undefined;
  /** Batches of committed entries tell when each entry passed its stations. */
  readonly traced?: boolean;
  /** Fault injection, which only a thread that is given one takes: what is wrong with the log's disk from the start. */
  readonly diskFault?: DiskFault;
}

/**
 * Proposals on their way to the consensus thread: a row a proposal, `[number, onlyInTerm, bytes]`, and the
 * bytes of all in order. `onlyInTerm` 0 lets the proposal go to whoever leads; a term takes it only
 * where this server leads in that term.
 */
export interface ProposeBatch {
  readonly kind: 'propose';
  readonly table: Float64Array;
  readonly data: ArrayBuffer;
}
export const proposeColumns = 3;

/** Requests of one client, or answers to it, as client-codec.ts has them. */
export interface ClientBody {
  readonly connection: number;
  readonly body: Uint8Array;
}

export type ToThread =
  | ProposeBatch
  | { readonly kind: 'read'; readonly context: number }
  | { readonly kind: 'applied'; readonly index: number }
  /** A snapshot of the store is durable; log files up to `releaseIndex` may go. */
  | { readonly kind: 'compacted'; readonly snapshot: SnapshotMetadata; readonly releaseIndex: number }
  | { readonly kind: 'transfer'; readonly to: number }
  /** A change of membership, answered with `memberChange` under the same number. */
  | { readonly kind: 'changeMembers'; readonly number: number; readonly change: MemberChange }
  /** Certificates for peers have changed. */
  | { readonly kind: 'tls'; readonly tls: PeerTls }
  /** Fault injection: links to and from these members lose what is sent over them. */
  | { readonly kind: 'cut'; readonly outgoing: readonly number[]; readonly incoming: readonly number[] }
  /** Fault injection: from now on the log's disk is like this. */
  | { readonly kind: 'diskFault'; readonly fault: DiskFault }
  | { readonly kind: 'clientAnswers'; readonly answers: readonly ClientBody[] }
  | { readonly kind: 'stop' };

/** Why proposals were not taken: retry elsewhere, retry later, or never. */
export type RefusalReason = 'notLeader' | 'busy' | 'fenced';

/** An entry that holds a configuration, which rules once all entries up to it are applied. */
export interface CommittedConfiguration {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/**
 * Committed entries: a row an entry, `[term, bytes]`, from index `from` on. Configuration entries have no bytes there; they
 * are in `configurations`, in order.
 */
export interface CommittedBatch {
  readonly kind: 'committed';
  readonly from: number;
  readonly table: Float64Array;
  readonly data: ArrayBuffer;
  readonly configurations: readonly CommittedConfiguration[];
  /** As EntryTimes.take gives them, where writes are traced. */
  readonly times?: Float64Array;
}
export const committedColumns = 2;

export interface FollowerReport {
  readonly id: number;
  readonly matchIndex: number;
  readonly nextIndex: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly active: boolean;
  readonly inflightMessages: number;
  readonly inflightBytes: number;
}

/** What status and metrics show of the consensus thread; sent now and then, and when leadership changes. */
export interface ThreadReport {
  readonly commitIndex: number;
  readonly lastIndex: number;
  readonly followers: readonly FollowerReport[];
  readonly walFsyncSeconds: HistogramSnapshot;
  readonly threadDelaySeconds: HistogramSnapshot;
  readonly logMemoryBytes: number;
  readonly peers: readonly PeerMetrics[];
}

export type FromThread =
  | { readonly kind: 'started' }
  /** Opening the log or the port failed; `name` and `code` are those of the error. */
  | {
      readonly kind: 'failed';
      readonly name: string;
      readonly code: string | undefined;
      readonly message: string;
    }
  | CommittedBatch
  | { readonly kind: 'refused'; readonly numbers: readonly number[]; readonly reason: RefusalReason }
  | { readonly kind: 'read'; readonly context: number; readonly index: number }
  | { readonly kind: 'readDropped'; readonly context: number }
  | { readonly kind: 'leadership'; readonly role: Role; readonly leader: MemberId; readonly term: Term }
  /** A snapshot of the leader took the place of the log: the store is to be restored from `path`. */
  | { readonly kind: 'install'; readonly path: string; readonly snapshot: SnapshotMetadata }
  | { readonly kind: 'memberChange'; readonly number: number; readonly outcome: ChangeOutcome }
  /** The fault asked for by `diskFault` is in force; answers come in the order of the questions. */
  | { readonly kind: 'diskFaultSet' }
  /** This member was removed from the cluster. */
  | { readonly kind: 'removed'; readonly reason: string }
  | { readonly kind: 'report'; readonly report: ThreadReport }
  /** What clients of the peer port ask in one turn. */
  | { readonly kind: 'clientRequests'; readonly requests: readonly ClientBody[] }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'fatal'; readonly message: string }
  | { readonly kind: 'stopped' };

/** The end of a channel as both sides see it: a worker's parentPort, a Worker, or a MessagePort. */
export interface Port<Out, In> {
  postMessage(message: Out, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: In) => void): unknown;
}
