import { CompactedError, unboundedEnd } from '#libs/mvcc';
import type { Revision } from '#libs/mvcc';
import { nodeClock } from '../environment/clock.js';
import { ReadBarrier } from '../replica/read-barrier.js';
import { Retention } from '../replica/retention.js';
import { transferAway } from '../replica/transfer.js';
import { StorageError } from '../storage.js';
import type {
  KeyValue,
  Leadership,
  RangeQuery,
  RangeResult,
  Storage,
  StorageStatus,
  TxnOptions,
  TxnRequest,
  TxnResult,
  WatchListener,
  WatchRequest,
  Watcher,
} from '../storage.js';
import { WatchHub } from '../watch-hub.js';
import { Compactor } from './compactor.js';
import { describeExternal } from './describe-external.js';
import { Election } from './election.js';
import { EtcdAccess } from './etcd-access.js';
import { ExternalState } from './external-state.js';
import { Feed } from './feed.js';
import type { EtcdConnection } from './grpc/connection.js';
import { storageError } from './grpc/etcd-error.js';
import type { StatusResponse, TxnResponse, WireEvent } from './grpc/messages.js';
import type { RequestMetrics } from './grpc/request-counts.js';
import type { Layout } from './layout.js';
import { load, type Loaded } from './load.js';
import type { ResolvedExternalOptions } from './options.js';
import { RevisionWaiters } from './revision-waiters.js';
import { grantLease, renewLease, Session } from './session.js';
import { eventsAt, fenced, toResults, toWireTxn } from './txn-mapping.js';

const defaultTimeoutMs = 10_000;
const housekeepingMs = 250;
/** How often etcd is asked for its newest revision, when nobody else has: it is how its loss is noticed. */
const heartbeatMs = 1_000;
const statusEveryMs = 5_000;
const reloadPauseMs = 200;
const sweptEventsPerTurn = 1_000;

/** What an external replica counts since its start. */
export interface ExternalMetrics {
  readonly requests: readonly RequestMetrics[];
  /** How often the watch of etcd was opened anew, and how often all of it had to be read anew. */
  readonly watchRestarts: number;
  readonly reloads: number;
  readonly compactions: number;
  /** Newest revision that etcd has told of, and the one that this replica stands at. */
  readonly etcdRevision: number;
  readonly revision: number;
  readonly pendingWrites: number;
  readonly sizeBytes: number;
  readonly hasQuorum: boolean;
  readonly leaderChanges: number;
}

/** A replica over an external etcd: the Storage port, and what its host can measure. */
export interface ExternalReplica extends Storage {
  readonly engine: 'etcd';
  externalMetrics(): ExternalMetrics;
  /** Fault injection: a list that is not empty cuts this replica off from etcd, whoever is named; an empty one heals. */
  partition(members: readonly string[], direction: 'both' | 'in' | 'out'): void;
}

export interface ExternalParts {
  readonly options: ResolvedExternalOptions;
  readonly connection: EtcdConnection;
  readonly layout: Layout;
  readonly loaded: Loaded;
  readonly trustsProgress: boolean;
}

const now = (): number => nodeClock.now();

/** Holds the mirror, feeds it from etcd's watch, and turns calls of the port into calls of etcd. */
export class EtcdReplica implements ExternalReplica {
  readonly engine = 'etcd';
  readonly #options: ResolvedExternalOptions;
  readonly #connection: EtcdConnection;
  readonly #layout: Layout;
  readonly #trustsProgress: boolean;
  readonly #access: EtcdAccess;
  readonly #hub: WatchHub;
  readonly #feed: Feed;
  readonly #barrier: ReadBarrier;
  readonly #waiters: RevisionWaiters;
  readonly #session: Session;
  readonly #election: Election;
  readonly #retention: Retention;
  readonly #compactor: Compactor;
  #state: ExternalState;
  #housekeeper: NodeJS.Timeout | undefined;
  #etcdRevision = 0;
  #heardAt = 0;
  #askedStatusAt = Number.NEGATIVE_INFINITY;
  #status: StatusResponse | undefined;
  #syncing = false;
  #reloads = 0;
  #pendingWrites = 0;
  #closing: Promise<void> | undefined;

  constructor({ options, connection, layout, loaded, trustsProgress }: ExternalParts) {
    this.#options = options;
    this.#connection = connection;
    this.#layout = layout;
    this.#trustsProgress = trustsProgress;
    this.#state = new ExternalState(layout, loaded);
    const { noLeaderPatienceMs, onWarning } = options;
    this.#access = new EtcdAccess({ connection, patienceMs: noLeaderPatienceMs, now });
    this.#hub = new WatchHub(this.#state.mirror, {
      onListenerError: (error) => onWarning(`a watcher threw and was closed: ${String(error)}`),
    });
    this.#feed = new Feed({
      connection,
      layout,
      onEvents: (events) => this.#apply(events),
      onProgress: (revision) => this.#advance(revision),
      onLost: (why) => void this.#reload(why),
      onWarning,
    });
    connection.onMoved = () => this.#feed.restart();
    this.#waiters = new RevisionWaiters({
      revision: () => this.revision,
      prod: () => this.#prod(),
      onStuck: () => this.#feed.restart(),
      now,
    });
    this.#barrier = new ReadBarrier({
      request: (context) => this.#askForBarrier(context),
      appliedIndex: () => this.revision,
      leaderlessMs: () => this.#access.unreachableMs,
      noLeaderPatienceMs,
      // etcd answers a read behind its own round of heartbeats, and later under load.
      roundTimeoutMs: noLeaderPatienceMs,
      clock: nodeClock,
      firstContext: 1,
    });
    this.#election = new Election({
      memberId: options.memberId,
      name: options.name,
      stands: options.members.find(({ id }) => id === options.memberId)?.observer !== true,
      layout,
      access: this.#access,
      state: () => this.#state,
      liveLease: () => this.#session.liveLease,
      onReplaced: (error) => this.#fatal(error),
      onWarning,
    });
    this.#session = new Session({
      access: this.#access,
      connection,
      ttlSeconds: options.sessionTtlSeconds,
      onLease: (lease) => this.#election.register(lease),
      onWarning,
      now,
    });
    this.#retention = new Retention(options.retentionMs, options.retentionRevisions);
    this.#compactor = new Compactor(this.#access, options.compactEveryMs, onWarning);
  }

  /** Follows etcd from what was loaded; resolves once this replica holds what etcd held at the call. */
  async start(): Promise<void> {
    this.#feed.start(this.revision + 1, this.#trustsProgress);
    this.#housekeeper = setInterval(() => this.#keepHouse(), housekeepingMs);
    await this.#waiters.reach(await this.#readHead(defaultTimeoutMs), defaultTimeoutMs);
    await this.#election.endFormerLife();
    this.#session.start();
  }

  /** Watchers first, then callers: what a caller was answered is already on its way to every watcher. */
  #apply(events: readonly WireEvent[]): void {
    const applied = this.#state.apply(events);
    this.#hub.deliver(applied.events, this.revision);
    this.#moved();
    if (applied.recordsChanged) this.#election.observe();
  }

  #advance(revision: number): void {
    this.#state.mirror.advance(revision as Revision);
    this.#moved();
  }

  #moved(): void {
    this.#etcdRevision = Math.max(this.#etcdRevision, this.revision);
    this.#waiters.advanced();
    this.#barrier.applied();
  }

  /** Somebody waits for a revision that may have changed nothing here: have etcd say so. */
  #prod(): void {
    if (this.#feed.requestProgress() || this.#syncing) return;
    this.#syncing = true;
    const done = (): void => void (this.#syncing = false);
    // Notices of progress may overtake events here. A write of our own comes behind all that came before it.
    const put = { key: this.#layout.sync, value: Buffer.from(this.#options.name) };
    this.#access.repeatable('KV/Put', put, defaultTimeoutMs).then(done, done);
  }

  async #readHead(timeoutMs: number): Promise<number> {
    const { header } = await this.#access.repeatable('KV/Range', { key: this.#layout.cluster }, timeoutMs);
    this.#etcdRevision = Math.max(this.#etcdRevision, header.revision);
    this.#heardAt = now();
    return header.revision;
  }

  #askForBarrier(context: number): void {
    this.#readHead(this.#options.noLeaderPatienceMs).then(
      (revision) => {
        this.#barrier.answered(context, revision);
        // Whoever waits for it has a deadline of its own; this only sees to it that the revision is reached.
        this.#waiters.reach(revision, defaultTimeoutMs).catch(() => undefined);
      },
      () => this.#barrier.dropped(context),
    );
  }

  /** What the watch would have to tell is gone: everything is read anew, and watchers that missed something learn it. */
  async #reload(why: string): Promise<void> {
    this.#options.onWarning(`this replica is read anew from etcd: ${why}`);
    while (this.#closing === undefined) {
      try {
        const loaded = await load(this.#connection, this.#layout);
        this.#replace(loaded);
        return;
      } catch (error) {
        this.#options.onWarning(`reading anew from etcd failed: ${(error as Error).message}`);
        this.#connection.moveOn(this.#connection.endpoint);
        await new Promise((resolve) => setTimeout(resolve, reloadPauseMs));
      }
    }
  }

  #replace(loaded: Loaded): void {
    if (this.#closing !== undefined) return;
    this.#reloads++;
    this.#state = new ExternalState(this.#layout, loaded);
    this.#retention.reset();
    this.#hub.replaceStore(this.#state.mirror);
    this.#feed.start(this.revision + 1, this.#trustsProgress);
    this.#moved();
    this.#election.observe();
  }

  #keepHouse(): void {
    const { mirror } = this.#state;
    const at = now();
    this.#hub.progress();
    this.#election.observe();
    const revision = this.#retention.check(mirror.revision, mirror.compactedRevision, at);
    if (revision !== undefined) mirror.compact(revision as Revision);
    mirror.sweep(sweptEventsPerTurn);
    this.#compactor.keepHouse(this.leadership.isLeader, mirror.revision, at);
    if (at - this.#heardAt > heartbeatMs) {
      this.#heardAt = at;
      this.#readHead(heartbeatMs * 2).catch(() => undefined);
    }
    if (at - this.#askedStatusAt > statusEveryMs) this.#askStatus(at);
  }

  #askStatus(at: number): void {
    this.#askedStatusAt = at;
    this.#connection.call('Maintenance/Status', {}, statusEveryMs).then(
      (status) => void (this.#status = status),
      // What is not known is not shown; that etcd is away is noticed by the heartbeat.
      () => void (this.#status = undefined),
    );
  }

  get revision(): Revision {
    return this.#state.mirror.revision;
  }

  get compactRevision(): Revision {
    return this.#state.mirror.compactedRevision;
  }

  get(key: string): KeyValue | undefined {
    return this.#state.mirror.get(key);
  }

  range(query: RangeQuery): RangeResult {
    try {
      return this.#state.mirror.range(query);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      throw new StorageError('Compacted', error.message, error.firstAvailable);
    }
  }

  async txn(request: TxnRequest, options: TxnOptions = {}): Promise<TxnResult> {
    this.#checkOpen();
    if (this.#pendingWrites >= this.#options.maxPendingWrites)
      throw new StorageError('Overloaded', `${this.#pendingWrites} writes wait for an answer already`);
    this.#pendingWrites++;
    try {
      return await this.#txn(request, options);
    } finally {
      this.#pendingWrites--;
    }
  }

  async #txn(request: TxnRequest, { fence, timeoutMs = defaultTimeoutMs }: TxnOptions): Promise<TxnResult> {
    const deadline = now() + timeoutMs;
    const wire = toWireTxn(request, this.#layout);
    const txn = fence === undefined ? wire : fenced(wire, this.#election.fence(fence), fence);
    const outer = await this.#access.once('KV/Txn', txn, timeoutMs);
    if (fence !== undefined && !outer.succeeded)
      throw new StorageError('Fenced', 'another term rules; nothing was written');
    const answer: TxnResponse = fence === undefined ? outer : outer.responses[0]!.response_txn!;
    const revision = outer.header.revision as Revision;
    await this.#waiters.reach(revision, Math.max(1, deadline - now()));
    const operations = answer.succeeded ? request.success : (request.failure ?? []);
    const written = { revision, events: this.#eventsAt(revision), current: (key: string) => this.get(key) };
    const results = toResults(operations, answer, written, this.#layout);
    return { succeeded: answer.succeeded, revision, results };
  }

  #eventsAt(revision: Revision) {
    try {
      return eventsAt(revision, this.#state.mirror.eventsSince(revision, '', unboundedEnd));
    } catch (error) {
      if (error instanceof CompactedError) return [];
      throw error;
    }
  }

  barrier(timeoutMs = defaultTimeoutMs): Promise<void> {
    return this.#barrier.wait(timeoutMs);
  }

  watch(request: WatchRequest, listener: WatchListener): Watcher {
    this.#checkOpen();
    return this.#hub.watch(request, listener);
  }

  async grantLease(ttlSeconds: number): Promise<number> {
    this.#checkOpen();
    return (await grantLease(this.#access, ttlSeconds)).id;
  }

  async renewLease(lease: number): Promise<void> {
    this.#checkOpen();
    try {
      await renewLease(this.#connection, lease, defaultTimeoutMs);
    } catch (error) {
      throw storageError(error);
    }
  }

  async revokeLease(lease: number): Promise<void> {
    this.#checkOpen();
    const { header } = await this.#access.once('Lease/LeaseRevoke', { ID: lease }, defaultTimeoutMs);
    await this.#waiters.reach(header.revision, defaultTimeoutMs);
  }

  get leadership(): Leadership {
    return this.#election.tracker.current;
  }

  onLeadership(listener: (leadership: Leadership) => void): () => void {
    return this.#election.tracker.listen(listener);
  }

  async transferLeadership(to?: string): Promise<void> {
    this.#checkOpen();
    if (to !== undefined && !this.#options.members.some(({ name }) => name === to))
      throw new StorageError('BadRequest', `there is no member named '${to}'`);
    if (to !== undefined && this.leadership.leader === to) return;
    const patienceMs = this.#options.noLeaderPatienceMs;
    const moved = transferAway({
      leadership: this.leadership,
      onLeadership: (listener) => this.onLeadership(listener),
      patienceMs,
      request: () => undefined,
      clock: nodeClock,
    });
    // Refused, it does not move: that it then times out is nobody's concern any more.
    moved.catch(() => undefined);
    await this.#election.handOver(to, patienceMs);
    await moved;
  }

  status(): StorageStatus {
    return describeExternal({
      options: this.#options,
      state: this.#state,
      leadership: this.leadership,
      hasQuorum: this.#access.hasQuorum,
      etcdRevision: this.#etcdRevision,
      etcd: this.#status,
    });
  }

  externalMetrics(): ExternalMetrics {
    return {
      requests: this.#connection.requests.snapshot(),
      watchRestarts: this.#feed.restarts,
      reloads: this.#reloads,
      compactions: this.#compactor.count,
      etcdRevision: this.#etcdRevision,
      revision: this.revision,
      pendingWrites: this.#pendingWrites,
      sizeBytes: this.#state.mirror.sizeBytes,
      hasQuorum: this.#access.hasQuorum,
      leaderChanges: this.#election.tracker.changes,
    };
  }

  partition(members: readonly string[]): void {
    this.#connection.cut(members.length > 0);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StorageError('Stopped', 'the storage has been closed');
  }

  #fatal(error: Error): void {
    if (this.#closing !== undefined) return;
    void this.close();
    this.#options.onFatal(error);
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    clearInterval(this.#housekeeper);
    this.#access.close();
    this.#feed.stop();
    this.#waiters.stop();
    this.#barrier.stop();
    this.#election.close();
    this.#hub.closeAll();
    await this.#session.close();
    this.#connection.close();
  }
}
