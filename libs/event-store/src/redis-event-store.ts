import {
  Retention,
  RevisionWaiters,
  StorageError,
  WatchHub,
  type KeyStorage,
  type KeyValue,
  type OperationResult,
  type RangeQuery,
  type RangeResult,
  type Revision,
  type TxnOptions,
  type TxnRequest,
  type TxnResult,
  type WatchListener,
  type WatchRequest,
  type Watcher,
} from '#libs/consensus';
import { asRevision, CompactedError, createMirror, type Mirror, type StoreEvent } from '#libs/mvcc';
import { Availability } from './availability.js';
import { resolveOptions, type RedisEventStoreOptions, type ResolvedOptions } from './options.js';
import { parseRedisUrl, type RedisLocation } from './redis-url.js';
import { commandTimeoutMs, GapError, RedisSession } from './session.js';
import { toWrite, type Write } from './write.js';

/** What the store counts since its start. */
export interface EventStoreMetrics {
  /** Whether Redis answers. */
  readonly up: boolean;
  /** How often a connection was made, and how often everything had to be read anew. */
  readonly connects: number;
  readonly reloads: number;
  readonly writes: { readonly written: number; readonly conflict: number; readonly failed: number };
  readonly expired: number;
  readonly objects: number;
  /** Memory of this master's copy, history included. */
  readonly sizeBytes: number;
  readonly revision: number;
}

/** The store of Events of one master: the keys' part of the Storage port. */
export interface RedisEventStore extends KeyStorage {
  /** Throws StorageError Unavailable while Redis is away: there is nothing to be had of Events then. */
  requireAvailable(): void;
  metrics(): EventStoreMetrics;
  close(): Promise<void>;
}

/**
 * Opens the store; returns at once, whether or not Redis is there: until it is, `requireAvailable` throws. Throws Error for a
 * URL that is none.
 */
export function openRedisEventStore(options: RedisEventStoreOptions): RedisEventStore {
  return new MirroredEvents(resolveOptions(options));
}

const retentionMs = 300_000;
const expireAtOnce = 200;
const sweptEventsPerTurn = 1_000;

class MirroredEvents implements RedisEventStore {
  readonly #options: ResolvedOptions;
  readonly #location: RedisLocation;
  readonly #hub: WatchHub;
  readonly #waiters: RevisionWaiters;
  readonly #retention: Retention;
  readonly #availability: Availability;
  readonly #running: Promise<void>;
  #mirror: Mirror = createMirror(asRevision(0), []);
  /** The epoch that the mirror is of; undefined: it is of none, and to be loaded. */
  #epoch: string | undefined;
  #session: RedisSession | undefined;
  #closed = false;
  #reading: Promise<number> | undefined;
  #nextReading: Promise<number> | undefined;
  #pendingWrites = 0;
  #reloads = 0;
  #expired = 0;
  readonly #writes = { written: 0, conflict: 0, failed: 0 };

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#location = parseRedisUrl(options.url);
    this.#hub = new WatchHub(this.#mirror, {
      onListenerError: (error) =>
        options.onChange(this.#session !== undefined, `a watcher threw: ${String(error)}`),
    });
    this.#waiters = new RevisionWaiters({
      revision: () => this.revision,
      prod: () => undefined,
      onStuck: () => undefined,
      now: () => performance.now(),
    });
    this.#retention = new Retention(retentionMs, options.historyEntries);
    this.#availability = new Availability({
      shown: this.#location.shown,
      patienceMs: options.patienceMs,
      onChange: options.onChange,
      onPatienceOver: () => this.#hub.loseAll(this.#availability.error()),
    });
    this.#running = this.#run();
  }

  /** One session behind the other, until the store is closed. */
  async #run(): Promise<void> {
    const { tls, clusterId, ttlMs, historyEntries } = this.#options;
    const location = this.#location;
    while (!this.#closed) {
      let session: RedisSession | undefined;
      try {
        session = await RedisSession.open({ location, tls, clusterId, ttlMs, historyEntries });
        await this.#serve(session);
      } catch (error) {
        if (error instanceof GapError) this.#epoch = undefined;
        if (!this.#closed) this.#availability.lost(error as Error);
      } finally {
        this.#session = undefined;
        session?.close();
      }
      if (!this.#closed) await this.#availability.pause();
    }
  }

  /** Follows one session until it fails, with what it has told so far in memory. */
  async #serve(session: RedisSession): Promise<void> {
    if (session.epoch !== this.#epoch || session.revision < this.revision) await this.#load(session);
    // What happened while nobody listened comes first: what is read from now on is not older than what was read before.
    const head = await session.head();
    while (this.revision < head) this.#apply(await session.changesSince(this.revision));
    if (this.#closed) return;
    this.#session = session;
    this.#availability.found();
    await Promise.race([this.#follow(session), this.#keepHouse(session)]);
  }

  async #load(session: RedisSession): Promise<void> {
    this.#epoch = undefined;
    const { revision, keyValues } = await session.load();
    this.#mirror = createMirror(asRevision(revision), keyValues);
    this.#epoch = session.epoch;
    this.#reloads++;
    this.#retention.reset();
    this.#hub.replaceStore(this.#mirror);
    this.#waiters.advanced();
  }

  async #follow(session: RedisSession): Promise<void> {
    while (this.#session === session) {
      const changes = await session.changesSince(this.revision);
      // Another session may serve by now, which has told of them as well.
      if (this.#session === session) this.#apply(changes);
    }
  }

  #apply(changes: Parameters<Mirror['apply']>[0]): void {
    if (changes.length === 0) return;
    try {
      // Watchers first, then callers: what a caller was answered is already on its way to every watcher.
      this.#hub.deliver(this.#mirror.apply(changes), this.revision);
    } catch (error) {
      this.#epoch = undefined;
      throw error;
    }
    this.#waiters.advanced();
  }

  /** Notices that Redis is gone where nobody asks it for anything, and does what has to be done now and then. */
  async #keepHouse(session: RedisSession): Promise<void> {
    while (this.#session === session) {
      const expired = await session.expire(expireAtOnce);
      this.#expired += expired;
      this.#hub.progress();
      const mirror = this.#mirror;
      const target = this.#retention.check(mirror.revision, mirror.compactedRevision, performance.now());
      if (target !== undefined) mirror.compact(asRevision(target));
      mirror.sweep(sweptEventsPerTurn);
      if (expired < expireAtOnce) await this.#availability.wait(this.#options.tickMs);
    }
  }

  requireAvailable(): void {
    this.#requireSession();
  }

  #requireSession(): RedisSession {
    if (this.#closed) throw new StorageError('Stopped', 'the events store has been closed');
    if (this.#session === undefined) throw this.#availability.error();
    return this.#session;
  }

  get revision(): Revision {
    return this.#mirror.revision;
  }

  get compactRevision(): Revision {
    return this.#mirror.compactedRevision;
  }

  get(key: string): KeyValue | undefined {
    return this.#mirror.get(key);
  }

  range(query: RangeQuery): RangeResult {
    try {
      return this.#mirror.range(query);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      throw new StorageError('Compacted', error.message, error.firstAvailable);
    }
  }

  watch(request: WatchRequest, listener: WatchListener): Watcher {
    return this.#hub.watch(request, listener);
  }

  async txn(request: TxnRequest, { fence, timeoutMs }: TxnOptions = {}): Promise<TxnResult> {
    const write = toWrite(request);
    const { isLeader, term } = this.#options.leadership();
    if (fence !== undefined && (!isLeader || term !== fence))
      throw new StorageError('Fenced', `term ${fence} is over, or another master's; nothing was written`);
    const session = this.#requireSession();
    if (this.#pendingWrites >= this.#options.maxPendingWrites)
      throw new StorageError('Overloaded', `${this.#pendingWrites} writes wait for Redis already`);
    this.#pendingWrites++;
    try {
      return await this.#write(session, write, Math.min(timeoutMs ?? commandTimeoutMs, commandTimeoutMs));
    } catch (error) {
      this.#writes.failed++;
      throw error;
    } finally {
      this.#pendingWrites--;
    }
  }

  async #write(
    session: RedisSession,
    { key, value, expected }: Write,
    timeoutMs: number,
  ): Promise<TxnResult> {
    const { outcome, revision: at } = await this.#ask(
      session,
      () => (value === undefined ? session.delete(key, expected) : session.put(key, value, expected)),
      '; the write may have taken effect',
    );
    await this.#reach(at, timeoutMs);
    const revision = asRevision(at);
    if (outcome === 'conflict') {
      this.#writes.conflict++;
      return { succeeded: false, revision, results: [] };
    }
    this.#writes.written++;
    const result: OperationResult =
      outcome === 'nothing'
        ? { type: 'delete', previous: [] }
        : this.#resultOf(key, value !== undefined, revision);
    return { succeeded: true, revision, results: [result] };
  }

  /** What the change at this revision did, as this master was told. */
  #resultOf(key: string, isPut: boolean, revision: Revision): OperationResult {
    let events: readonly StoreEvent[] = [];
    try {
      events = this.#mirror.eventsSince(revision, key);
    } catch (error) {
      // Read anew since: what was there before is not known any more.
      if (!(error instanceof CompactedError)) throw error;
    }
    const [event] = events;
    const own = event?.keyValue.modRevision === revision ? event : undefined;
    if (!isPut) return { type: 'delete', previous: own?.previous === undefined ? [] : [own.previous] };
    const keyValue = own?.keyValue ?? this.get(key);
    if (keyValue === undefined)
      throw new StorageError('Unavailable', 'the Event was written, and is gone again');
    return { type: 'put', keyValue, previous: own?.previous };
  }

  /** One question to Redis answers all barriers that were there before it was asked. */
  async barrier(timeoutMs = commandTimeoutMs): Promise<void> {
    const session = this.#requireSession();
    this.#nextReading ??= (this.#reading ?? Promise.resolve(0))
      .catch(() => 0)
      .then(() => {
        const reading = this.#ask(session, () => session.head());
        this.#reading = reading;
        this.#nextReading = undefined;
        return reading;
      });
    await this.#reach(await this.#nextReading, timeoutMs);
  }

  async #reach(revision: number, timeoutMs: number): Promise<void> {
    try {
      await this.#waiters.reach(revision, timeoutMs);
    } catch (error) {
      if (error instanceof StorageError && error.code === 'Timeout')
        throw this.#availability.error('its changes do not arrive, and a write may have taken effect');
      throw error;
    }
  }

  /** Asks Redis something. Throws StorageError Unavailable; what Redis has not just refused ends the session. */
  async #ask<T>(session: RedisSession, ask: () => Promise<T>, doubt = ''): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      const { message } = error as Error;
      if (/^(OOM|MISCONF|BUSY|NOREPLICAS)/.test(message)) throw this.#availability.error(message);
      if (this.#session === session) {
        this.#session = undefined;
        this.#availability.lost(error as Error);
      }
      session.close();
      throw this.#availability.error(message + doubt);
    }
  }

  metrics(): EventStoreMetrics {
    const { keyCount, sizeBytes, revision } = this.#mirror;
    return {
      up: this.#session !== undefined,
      connects: this.#availability.connects,
      reloads: this.#reloads,
      writes: { ...this.#writes },
      expired: this.#expired,
      objects: keyCount,
      sizeBytes,
      revision,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#session?.close();
    this.#availability.close();
    this.#waiters.stop();
    this.#hub.closeAll();
    await this.#running;
  }
}
