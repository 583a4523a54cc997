import type { PromotionCounts } from './replica/members.js';
import type { AlarmStatus } from './storage.js';

/** A histogram as Prometheus counts it: `counts[i]` observations at or below `bounds[i]`, not cumulative; the last counts the rest. */
export interface HistogramSnapshot {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

export interface PeerMetrics {
  /** Name of the peer. */
  readonly name: string;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Frames dropped, because the peer was out of reach or its queue full. */
  readonly sendFailures: number;
  readonly roundTripSeconds: HistogramSnapshot;
}

/** How far a leader has brought one follower. */
export interface FollowerMetrics {
  readonly name: string;
  /** Highest index that it holds durably, and the next one to send. */
  readonly matchIndex: number;
  readonly nextIndex: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  /** Entries of the leader's log, as of the same moment, that it does not hold durably. */
  readonly lagEntries: number;
  /** It has answered lately. */
  readonly active: boolean;
  /** Appends sent and not answered yet, and the bytes of their entries. */
  readonly inflightMessages: number;
  readonly inflightBytes: number;
}

/** What one replica counts since its start; cheap to take, made for a scrape. */
export interface ConsensusMetrics {
  readonly hasLeader: boolean;
  readonly isLeader: boolean;
  /** Holds the state without a vote: a learner or an observer. */
  readonly isLearner: boolean;
  readonly leaderChanges: number;
  /** Highest committed and applied index, as etcd counts proposals. */
  readonly proposalsCommitted: number;
  readonly proposalsApplied: number;
  readonly proposalsFailed: number;
  readonly proposalsPending: number;
  /** Promotions of learners that were asked for here. */
  readonly promotions: PromotionCounts;
  /** Raised now, of all members. */
  readonly alarms: readonly AlarmStatus[];
  readonly quotaBytes: number;
  readonly sizeBytes: number;
  /** The part of it that live keys take. */
  readonly inUseBytes: number;
  /** Room left where the log is; undefined where it is not known. */
  readonly diskFreeBytes: number | undefined;
  readonly walFsyncSeconds: HistogramSnapshot;
  /** By how much ticks of the consensus thread came late. */
  readonly threadDelaySeconds: HistogramSnapshot;
  /** Writing one snapshot of the store: what a backend commit is here. */
  readonly snapshotSeconds: HistogramSnapshot;
  readonly peers: readonly PeerMetrics[];
  /** The leader's view of the others; empty where this replica does not lead. */
  readonly followers: readonly FollowerMetrics[];
  /** Entries held in memory by the consensus thread. */
  readonly logMemoryBytes: number;
}

const powers = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => first * 2 ** i);

/** etcd's buckets, so that dashboards made for it show the truth. */
export const fsyncBucketsSeconds = powers(0.001, 14);
export const roundTripBucketsSeconds = powers(0.0001, 16);

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const slot = found === -1 ? this.#bounds.length : found;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
    this.#sum += value;
    this.#count++;
  }

  snapshot(): HistogramSnapshot {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum, count: this.#count };
  }
}
