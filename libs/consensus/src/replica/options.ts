import type { InitialMember } from '../membership/member-directory.js';
import type { DiskFault } from '../environment/faulty-disk.js';
import type { ThreadMode } from '../thread/launch.js';
import type { WriteTrace } from '../trace.js';
import type { PeerTls } from '../transport/handshake.js';

/** How to open one replica of the group. Durations in milliseconds, sizes in bytes. */
export interface ReplicaOptions {
  /** Letters, digits, dots and hyphens; the peer certificate must speak for it (common name or DNS name). */
  readonly name: string;
  /** Positive safe integer, never reused within a cluster. */
  readonly memberId: number;
  /** The same on all members, different in every other cluster. */
  readonly clusterId: string;
  /**
   * All members, this one included, the same on each; stored at the first start, only addresses are taken afterwards.
   * With `join`, those that are known: the rest is learned from the leader.
   */
  readonly members: readonly InitialMember[];
  /** This member was added to a cluster that runs: it starts with nothing and takes log and members from it. */
  readonly join?: boolean;
  /** For this replica alone; created when absent. */
  readonly dataDir: string;
  /** Where peers are listened for. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: PeerTls;
  /** Default 20. */
  readonly tickMs?: number;
  /** Default 10: an election after 200–400 ms without a leader. */
  readonly electionTicks?: number;
  /** Default 2. */
  readonly heartbeatTicks?: number;
  /** Above it, writes that put are refused and the alarm `noSpace` is raised. Default 2 GiB. */
  readonly quotaBytes?: number;
  /** Room on the disk, beside as much as the store holds, below which the alarm `lowDisk` is raised. Default 64 MiB. */
  readonly diskReserveBytes?: number;
  /** How often the leader has all replicas compare their running hashes. Default 60 000. */
  readonly hashCheckMs?: number;
  /** How long history is kept for reads and watches of older revisions. Default 300 000. */
  readonly retentionMs?: number;
  /** History is cut to so many revisions even when younger. Default 20 000. */
  readonly retentionRevisions?: number;
  /** Log bytes applied between snapshots, and at least as many as the store holds. Default 64 MiB. */
  readonly snapshotBytes?: number;
  /** Entries applied between snapshots. Default 100 000. */
  readonly snapshotEntries?: number;
  /** Size of one log file. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Entries kept in memory behind a snapshot for followers that lag. Default 8 MiB. */
  readonly logKeepBytes?: number;
  /** Writes that wait for an answer at most. Default 10 000. */
  readonly maxPendingProposals?: number;
  /** Without a leader for so long, writes and barriers fail with NoQuorum instead of waiting. Default 3000. */
  readonly noLeaderPatienceMs?: number;
  /** Follows writes: asked in the caller's context for each one; undefined leaves it alone. Default: no tracing. */
  readonly trace?: () => WriteTrace | undefined;
  /** Allows `Replica.diskFault`, and says what is wrong with the log's disk from the start: `{}` for nothing. */
  readonly diskFault?: DiskFault;
  /** Default: a worker, inline when run from TypeScript sources. */
  readonly threadMode?: ThreadMode;
  /**
   * The replica can no longer keep its promises (a failed sync, a failed invariant). It has stopped; the
   * process must end, and may be started again once the cause is gone.
   */
  readonly onFatal: (error: Error) => void;
  /** Something a person should read: a refused peer, a quarantined file. */
  readonly onWarning?: (message: string) => void;
}

const positive = (value: number | undefined, fallback: number, name: string): number => {
  const chosen = value ?? fallback;
  if (!Number.isSafeInteger(chosen) || chosen <= 0)
    throw new RangeError(`${name} must be a positive integer`);
  return chosen;
};

export type ResolvedOptions = Required<
  Omit<ReplicaOptions, 'segmentBytes' | 'logKeepBytes' | 'threadMode' | 'trace' | 'diskFault'>
> &
  Pick<ReplicaOptions, 'segmentBytes' | 'logKeepBytes' | 'threadMode' | 'trace' | 'diskFault'>;

/** Fills in defaults. Throws RangeError naming what cannot be. */
export function resolveOptions(options: ReplicaOptions): ResolvedOptions {
  const self = options.members.find(({ id }) => id === options.memberId);
  if (self?.name !== options.name) {
    throw new RangeError(
      `members must hold this replica: no member ${options.memberId} named '${options.name}'`,
    );
  }
  if (new Set(options.members.map(({ id }) => id)).size !== options.members.length) {
    throw new RangeError('two members have the same id');
  }
  return {
    ...options,
    memberId: positive(options.memberId, 0, 'memberId'),
    join: options.join ?? false,
    tickMs: positive(options.tickMs, 20, 'tickMs'),
    electionTicks: positive(options.electionTicks, 10, 'electionTicks'),
    heartbeatTicks: positive(options.heartbeatTicks, 2, 'heartbeatTicks'),
    quotaBytes: positive(options.quotaBytes, 2 * 1024 ** 3, 'quotaBytes'),
    diskReserveBytes: positive(options.diskReserveBytes, 64 << 20, 'diskReserveBytes'),
    hashCheckMs: positive(options.hashCheckMs, 60_000, 'hashCheckMs'),
    retentionMs: positive(options.retentionMs, 300_000, 'retentionMs'),
    retentionRevisions: positive(options.retentionRevisions, 20_000, 'retentionRevisions'),
    snapshotBytes: positive(options.snapshotBytes, 64 << 20, 'snapshotBytes'),
    snapshotEntries: positive(options.snapshotEntries, 100_000, 'snapshotEntries'),
    maxPendingProposals: positive(options.maxPendingProposals, 10_000, 'maxPendingProposals'),
    noLeaderPatienceMs: positive(options.noLeaderPatienceMs, 3_000, 'noLeaderPatienceMs'),
    onWarning: options.onWarning ?? (() => undefined),
  };
}
