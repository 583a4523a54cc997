/**
 * What a master's dashboard stream tells the page: one JSON object a line, a `Frame` each half second.
 *
 * Counters and histograms are cumulative since the start of the process that they are of: the page takes differences, so
 * that it may go on through another master without losing count. Times are milliseconds since the epoch, of the clock of
 * whoever noted them. What is absent is not known, and the page says so.
 */

/** `counts[i]` observations at or below `bounds[i]` and above the one before; the last counts the rest. */
export interface Counts {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

export interface RequestCounts {
  readonly count: number;
  /** Answered with 500 or above. */
  readonly errors: number;
  /** Milliseconds. */
  readonly latencyMs: Counts;
}

export interface LeadershipChange {
  readonly at: number;
  readonly term: number;
  /** Undefined: nobody is known to lead. */
  readonly leader?: string;
}

/** The leader's view of one other member. */
export interface FollowerView {
  readonly name: string;
  readonly matchIndex: number;
  /** Entries of the leader's log, as of the same moment, that it does not hold durably. */
  readonly lagEntries: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly active: boolean;
  readonly inflightMessages: number;
  readonly inflightBytes: number;
}

/** One replica about itself. */
export interface Observation {
  readonly name: string;
  readonly at: number;
  readonly startedAt: number;
  readonly pid: number;
  readonly version: string;
  readonly role: 'leader' | 'follower' | 'learner' | 'observer';
  readonly term: number;
  readonly leader?: string;
  readonly quorum: boolean;
  readonly ready: boolean;
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly revision: number;
  readonly sizeBytes: number;
  /** Filled by the leader alone. */
  readonly followers: readonly FollowerView[];
  readonly links: readonly { readonly name: string; readonly sentBytes: number }[];
  readonly alarms: readonly { readonly type: string; readonly member: string }[];
  /** Seconds; absent where the log is another program's (an external etcd). */
  readonly fsyncSeconds?: Counts;
  /** Requests of clients outside this process for resources, without watches; and the writes of the tour. */
  readonly reads: RequestCounts;
  readonly writes: RequestCounts;
  /** Over the last whole second; absent in the first one. */
  readonly eventLoop?: { readonly p99Ms: number; readonly maxMs: number };
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** The newest ones, oldest first. */
  readonly leaderships: readonly LeadershipChange[];
}

export interface MemberFrame {
  readonly name: string;
  /** The last answer of this member; absent while there was none for a second. */
  readonly observation?: Observation;
  /** Why there is none. */
  readonly silence?: string;
  /** What the supervisor of a local cluster knows. */
  readonly process?: { readonly pid?: number; readonly paused: boolean; readonly cut?: string };
}

/** See apps/cli's FaultRecord. */
export interface FaultNote {
  readonly at: number;
  readonly what: string;
  readonly master?: string;
}

export interface WorkloadRow {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly ready: number;
  readonly wanted: number;
}

export interface EventRow {
  readonly uid: string;
  readonly at: number;
  readonly type: string;
  readonly reason: string;
  readonly object: string;
  readonly message: string;
  readonly count: number;
}

/** What the user who watches may see of the API's objects; a part that was refused or is too large says why instead. */
export interface ObjectsFrame {
  readonly nodes: Part<{ readonly ready: number; readonly total: number }>;
  readonly pods: Part<{ readonly phases: Readonly<Record<string, number>>; readonly total: number }>;
  readonly workloads: Part<{ readonly rows: readonly WorkloadRow[]; readonly total: number }>;
  readonly events: Part<{ readonly rows: readonly EventRow[]; readonly total: number }>;
}

export type Part<T> = ({ readonly missing?: undefined } & T) | { readonly missing: string };

export interface Frame {
  readonly at: number;
  readonly cluster: string;
  /** The master that serves this stream. */
  readonly servedBy: string;
  readonly members: readonly MemberFrame[];
  /** Absent where faults cannot be done: the cluster is not local, or the user may not. */
  readonly faults?: readonly FaultNote[];
  /** Absent until it was read once, and in frames without news of it. */
  readonly objects?: ObjectsFrame;
}

export const faultKinds = ['kill', 'pause', 'resume', 'partition', 'heal', 'transfer'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Body of `POST faults`; answered with a FaultNote. */
export interface FaultOrder {
  /** An order that is sent again, because its answer was lost with the master that passed it on, is done once. */
  readonly id: string;
  readonly fault: FaultKind;
  /** Not with heal; with transfer: who is to lead. */
  readonly master?: string;
}

/** Body of `POST probe`. */
export interface ProbeOrder {
  /** Tells the writers of several pages apart. */
  readonly writer: string;
  readonly number: number;
}

/** Answer to `POST probe`: one write that went through the log. */
export interface ProbeAnswer {
  readonly number: number;
  /** The number that this write replaced; absent where it was none of the same writer. */
  readonly before?: number;
  readonly servedBy: string;
  readonly revision: number;
}
