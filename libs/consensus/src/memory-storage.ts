import { CompactedError, asRevision, createStore, encodeCommand } from '#libs/mvcc';
import type { ApplyResult, Command, CommandId, CommandResult, Store, StoreEvent } from '#libs/mvcc';
import { LeaseExpiry } from './replica/lease-expiry.js';
import { StorageError } from './storage.js';
import type {
  KeyValue,
  Leadership,
  RangeQuery,
  RangeResult,
  Revision,
  Storage,
  StorageStatus,
  TxnOptions,
  TxnRequest,
  TxnResult,
  WatchListener,
  WatchRequest,
  Watcher,
} from './storage.js';
import { WatchHub } from './watch-hub.js';

/** Where the seconds of leases and the pace of progress notices come from. */
export interface MemoryStorageClock {
  /** Milliseconds of a clock that only goes forward. */
  nowMs(): number;
  /** Calls `tick` every so many milliseconds until the returned function is called. */
  every(intervalMs: number, tick: () => void): () => void;
}

export interface MemoryStorageOptions {
  readonly name?: string;
  /** Default: the process's own clock. */
  readonly clock?: MemoryStorageClock;
  /** How often leases are looked at and watchers get progress notices. Default 500 ms. */
  readonly tickMs?: number;
  /** History is cut to so many revisions with each tick. Default: kept until `compact` is called. */
  readonly retentionRevisions?: number;
  /** A watch listener threw; its watcher is closed. Default: thrown again outside the storage, where it ends the process. */
  readonly onListenerError?: (error: unknown) => void;
}

/** A Storage whose leadership and failures a test decides. */
export interface MemoryStorage extends Storage {
  /** What this replica believes from now on. Writes go on under `term`; with no known leader they fail with NoQuorum. */
  setLeadership(leadership: Leadership): void;
  /** Every txn and lease call (`write`) or barrier rejects with this error, without effect, until cleared with undefined. */
  failWith(what: 'write' | 'barrier', error: Error | undefined): void;
  /** Reads and watches below `revision` are gone from now on. */
  compact(revision: Revision): void;
  /** What the clock does by itself: expires leases that are due, and sends progress notices. */
  tick(): void;
}

/**
 * One replica without a log, in this process: the leader of term 1 until told otherwise. Everything but durability
 * is as with the real one: commands are encoded and applied by the same store, watchers served by the same hub.
 * Commands of one turn of the event loop are one batch.
 */
export function createMemoryStorage(options: MemoryStorageOptions = {}): MemoryStorage {
  return new InProcessStorage(options);
}

interface Pending {
  readonly command: Body;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: Error) => void;
}

type Body<T = Command> = T extends Command ? Omit<T, 'id'> : never;

class InProcessStorage implements MemoryStorage {
  leadership: Leadership;
  private readonly store: Store = createStore();
  private readonly hub: WatchHub;
  private readonly expiry = new LeaseExpiry();
  private readonly clock: MemoryStorageClock;
  private readonly stopClock: () => void;
  private readonly leadershipListeners = new Set<(leadership: Leadership) => void>();
  private readonly failures = new Map<'write' | 'barrier', Error>();
  private pending: Pending[] = [];
  private nextSequence = 1;
  private nextLease = 1;
  private stopped = false;

  constructor(private readonly options: MemoryStorageOptions) {
    this.leadership = { isLeader: true, term: 1, leader: this.name };
    this.clock = options.clock ?? systemClock;
    this.hub = new WatchHub(this.store, { onListenerError: options.onListenerError ?? throwOutside });
    this.stopClock = this.clock.every(options.tickMs ?? 500, () => this.tick());
  }

  private get name(): string {
    return this.options.name ?? 'memory';
  }

  get revision(): Revision {
    return this.store.revision;
  }

  get compactRevision(): Revision {
    return this.store.compactedRevision;
  }

  get(key: string): KeyValue | undefined {
    return this.store.get(key);
  }

  range(query: RangeQuery): RangeResult {
    try {
      return this.store.range(query);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      throw new StorageError('Compacted', error.message, error.firstAvailable);
    }
  }

  async txn(request: TxnRequest, options: TxnOptions = {}): Promise<TxnResult> {
    const { compare, success, failure = [] } = request;
    const command: Body = { type: 'txn', fence: options.fence, compare, success, failure };
    const { succeeded, revision, results } = await this.propose(command);
    return { succeeded, revision, results };
  }

  async barrier(): Promise<void> {
    this.check('barrier');
    // Behind what was proposed before, as a read index is.
    await Promise.resolve();
  }

  watch(request: WatchRequest, listener: WatchListener): Watcher {
    if (this.stopped) throw stoppedError();
    return this.hub.watch(request, listener);
  }

  async grantLease(ttlSeconds: number): Promise<number> {
    const lease = this.nextLease++;
    await this.propose({ type: 'leaseGrant', lease, ttlSeconds });
    return lease;
  }

  async renewLease(lease: number): Promise<void> {
    await this.propose({ type: 'leaseRenew', lease });
  }

  async revokeLease(lease: number): Promise<void> {
    await this.propose({ type: 'leaseRevoke', lease });
  }

  onLeadership(listener: (leadership: Leadership) => void): () => void {
    this.leadershipListeners.add(listener);
    listener(this.leadership);
    return () => this.leadershipListeners.delete(listener);
  }

  async transferLeadership(to?: string): Promise<void> {
    if (to === undefined || to === this.name) return;
    throw new StorageError('NotLeader', `there is no member ${to} to lead: ${this.name} is the only one`);
  }

  status(): StorageStatus {
    const { appliedIndex, revision, compactedRevision, sizeBytes } = this.store;
    const { leadership, name } = this;
    return {
      clusterId: 'memory',
      memberId: 1,
      name,
      leadership,
      quorum: leadership.leader !== undefined,
      commitIndex: appliedIndex,
      appliedIndex,
      lastIndex: appliedIndex,
      revision,
      compactRevision: compactedRevision,
      sizeBytes,
      quotaBytes: Number.MAX_SAFE_INTEGER,
      members: [
        {
          id: 1,
          name,
          role: leadership.isLeader ? 'leader' : 'follower',
          peerUrl: '',
          matchIndex: appliedIndex,
          active: true,
        },
      ],
      alarms: [],
    };
  }

  async close(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.stopClock();
    this.hub.closeAll();
    this.leadershipListeners.clear();
    const abandoned = this.pending;
    this.pending = [];
    for (const { reject } of abandoned) reject(stoppedError());
  }

  setLeadership(leadership: Leadership): void {
    if (leadership.term < this.leadership.term) throw new RangeError('a term never goes back');
    this.expiry.reset();
    this.leadership = leadership;
    for (const listener of this.leadershipListeners) listener(leadership);
  }

  failWith(what: 'write' | 'barrier', error: Error | undefined): void {
    if (error === undefined) this.failures.delete(what);
    else this.failures.set(what, error);
  }

  compact(revision: Revision): void {
    this.applyNow({ type: 'compact', revision: asRevision(revision) });
    this.store.sweep(Number.POSITIVE_INFINITY);
  }

  tick(): void {
    if (this.leadership.isLeader) {
      const events: StoreEvent[] = [];
      this.expiry.check(this.store.leases(), this.clock.nowMs(), async (lease, ifRenewal) => {
        events.push(...this.applyNow({ type: 'leaseRevoke', lease, ifRenewal }).events);
      });
      if (events.length > 0) this.hub.deliver(events, this.store.revision);
    }
    const { retentionRevisions = Number.POSITIVE_INFINITY } = this.options;
    const oldest = this.store.revision - retentionRevisions;
    if (oldest > this.store.compactedRevision) this.compact(asRevision(oldest));
    this.hub.progress();
  }

  private check(what: 'write' | 'barrier'): void {
    if (this.stopped) throw stoppedError();
    const failure = this.failures.get(what);
    if (failure !== undefined) throw failure;
    if (this.leadership.leader === undefined) throw new StorageError('NoQuorum', 'no leader is known');
  }

  private propose(command: Body): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      this.check('write');
      // Also keeps listeners that write from being called while another batch is being delivered.
      if (this.pending.length === 0) queueMicrotask(() => this.applyPending());
      this.pending.push({ command, resolve, reject });
    });
  }

  private applyPending(): void {
    const batch = this.pending;
    this.pending = [];
    const events: StoreEvent[] = [];
    const settle: (() => void)[] = [];
    for (const { command, resolve, reject } of batch) {
      try {
        const applied = this.applyNow(command);
        events.push(...applied.events);
        const refusal = refusalError(applied.result, this.leadership.term);
        settle.push(refusal === undefined ? () => resolve(applied.result) : () => reject(refusal));
      } catch (error) {
        // A request that cannot be encoded is the caller's fault alone.
        settle.push(() => reject(error as Error));
      }
    }
    this.hub.deliver(events, this.store.revision);
    for (const each of settle) each();
  }

  private applyNow(body: Body): ApplyResult {
    const sequence = this.nextSequence++;
    const id: CommandId = { session: 1, sequence, answeredBelow: sequence };
    const bytes = encodeCommand({ ...body, id } as Command);
    return this.store.apply(this.store.appliedIndex + 1, this.leadership.term, bytes)!;
  }
}

/** A refused command as the port reports it; undefined when it was not refused. */
function refusalError(result: CommandResult, term: number): Error | undefined {
  switch (result.refused) {
    case undefined:
      return undefined;
    case 'fenced':
      return new StorageError('Fenced', `the write was fenced: term ${term} rules`);
    case 'leaseNotFound':
      return new StorageError(
        'LeaseNotFound',
        'the lease does not exist or has expired; nothing was written',
      );
    default:
      return new StorageError('BadRequest', `the write was refused: ${result.refused}`);
  }
}

function stoppedError(): StorageError {
  return new StorageError('Stopped', 'the storage has been closed');
}

function throwOutside(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

const systemClock: MemoryStorageClock = {
  nowMs: () => performance.now(),
  every(intervalMs, tick) {
    const timer = setInterval(tick, intervalMs);
    // Alone, it must not keep a process alive.
    timer.unref();
    return () => clearInterval(timer);
  },
};
