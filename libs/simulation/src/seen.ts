import type { Configuration, LogReader, RaftServer } from '#libs/raft';

/** Fails the run with what it says, unless the condition holds. */
export type Demand = (holds: boolean, what: () => string) => void;

/** What is known of one server's disk and core. It outlives the server's processes. */
export interface Seen {
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
  /** In force when it last handed something out, the one before, and up to where that one may have been counted by. */
  configuration: Configuration | undefined;
  configurationBefore: Configuration | undefined;
  countedBeforeTo: number;
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

export const nothingSeen = (): Seen => ({
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
  configurationBefore: undefined,
  countedBeforeTo: 0,
  lastChange: 0,
  owes: undefined,
  commitAtElection: 0,
  matched: new Map(),
  mayHaveLost: false,
});

/** An entry that some log holds, and what stands before it. */
export interface KnownEntry {
  readonly data: Uint8Array;
  readonly previousTerm: number;
}
