import type { Backup } from '../backup/take-backup.js';
import type { DiskFault } from '../environment/faulty-disk.js';
import type { EtcdSpace } from '../etcd-space.js';
import type { ConsensusMetrics } from '../metrics.js';
import type { AlarmType, Storage } from '../storage.js';
import type { Members } from './members.js';
import type { PeerTls } from '../transport/handshake.js';

/** A replica of the embedded Raft group: the Storage port and what its host can measure. */
export interface Replica extends Storage {
  /** Counters and histograms since the start; see ConsensusMetrics. */
  metrics(): ConsensusMetrics;
  /**
   * Fault injection: cuts the links to the named members, in one direction or both, until called again; an empty list
   * heals. What is sent over a cut link is lost in silence.
   */
  partition(members: readonly string[], direction: 'both' | 'in' | 'out'): void;
  /**
   * Fault injection: makes the writes of the log slow, or fail as on a full disk (the replica then stops, as it must),
   * until called again; `{}` heals. Resolves once it is in force: every write that the log begins from then on meets it.
   * Rejects with StorageError BadRequest unless the replica was opened with `diskFault`, with Stopped when it ends before.
   */
  diskFault(fault: DiskFault): Promise<void>;
  /**
   * Certificates for peers from now on. Connections that begin use them; open ones stay unless the authorities in `ca` have
   * not signed their other end.
   */
  reloadTls(tls: PeerTls): void;
  /** Ends an alarm of one member, or of all. It is raised again where its reason still holds. */
  disarm(type: AlarmType, member?: string): Promise<void>;
  /**
   * A backup of this replica's state now: one state, however long it takes to read its bytes, and writes go on meanwhile.
   * Pass `barrier` first for one that holds all that was acknowledged. `bytes` is iterated once. Throws StorageError Corrupt.
   */
  backup(): Backup;
  /** Who belongs to the group, and changes of it. */
  readonly members: Members;
  /** The key space of etcd's own clients. */
  readonly etcdSpace: EtcdSpace;
  /** Port that peers are listened for on. */
  readonly peerPort: number;
  /** The last entry applied here and the running hash of all up to it: equal on all replicas at an equal index. */
  appliedState(): { readonly index: number; readonly hash: number };
}
