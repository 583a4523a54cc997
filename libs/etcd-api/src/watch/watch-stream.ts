import { StorageError } from '#libs/consensus';
import type { Revision, StoreEvent, Watcher } from '#libs/consensus';
import type { Serving } from '../backend.js';
import { etcdError } from '../errors.js';
import { clamp, keyOf } from '../kv/requests.js';
import type { WatchCreateRequest, WatchRequestMessage, WatchResponse } from '../messages.js';
import { batchesOf } from './event-batches.js';

/** Where responses go. `sent` is called once a response has left this process's memory. */
export interface WatchSink {
  write(response: WatchResponse, sent: () => void): void;
  /** Reads no further requests while paused: each may be answered with one more response. */
  pause(paused: boolean): void;
}

/** Responses of one stream that wait to be sent. Beyond it, its watchers stop listening and read on from history later. */
export const maxQueuedBytes = 4 << 20;
/** Watchers of one stream at most: a client that leaks them meets an error, not the end of the server's memory. */
export const maxWatchers = 100_000;
const responseBytes = 64;
/** As etcd: an answer about the stream as a whole, or about a watcher that never came to be. */
const noWatchId = -1;

interface StreamWatcher {
  readonly id: number;
  readonly start: string;
  readonly end?: string;
  readonly previous: boolean;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
  readonly skips: ReadonlySet<StoreEvent['type']>;
  /** First revision that has not been sent. */
  next: number;
  /** Undefined while it lags: what it misses meanwhile is read from history, which is not kept for it. */
  live: Watcher | undefined;
  /** Sent something since the last progress notice. */
  wasActive: boolean;
}

/**
 * The watchers of one stream. Each is fed by the replica's own events as they are applied, so every member serves watches.
 * When the client does not keep up, its watchers lag: nothing is queued for them; once the queue has drained they read
 * on from where they were, or are cancelled with the compacted revision if that history is gone.
 */
export class WatchStream {
  private readonly watchers = new Map<number, StreamWatcher>();
  private readonly lagging = new Set<StreamWatcher>();
  private queuedBytes = 0;
  private nextId = 0;
  private owesProgress = false;
  private closed = false;

  constructor(
    private readonly serving: Serving,
    private readonly sink: WatchSink,
  ) {}

  handle(request: WatchRequestMessage): void {
    switch (request.request_union) {
      case 'create_request':
        return this.create(request.create_request);
      case 'cancel_request':
        return this.cancel(request.cancel_request.watch_id);
      case 'progress_request':
        this.owesProgress = true;
        return this.payProgress();
      case undefined:
        return undefined;
    }
  }

  private create(request: WatchCreateRequest): void {
    const refusal = this.refusalOf(request);
    if (refusal !== undefined) {
      return this.write({ watch_id: noWatchId, created: true, canceled: true, cancel_reason: refusal });
    }
    const watcher = this.watcherOf(request);
    this.watchers.set(watcher.id, watcher);
    this.write({ watch_id: watcher.id, created: true });
    this.listen(watcher);
  }

  private refusalOf({ key, range_end: end, watch_id: id }: WatchCreateRequest): string | undefined {
    if (id !== 0 && this.watchers.has(id)) return 'mvcc: duplicate watch ID provided on the WatchStream';
    if (this.watchers.size >= maxWatchers) return `this stream has ${maxWatchers} watchers already`;
    const bounded = end.length > 0 && !(end.length === 1 && end[0] === 0);
    return bounded && key.compare(end) >= 0 ? 'mvcc: watcher range is empty' : undefined;
  }

  private watcherOf(request: WatchCreateRequest): StreamWatcher {
    const { key, range_end: end, filters, watch_id: wanted } = request;
    while (this.watchers.has(this.nextId)) this.nextId++;
    const from = clamp(request.start_revision);
    const skips = new Set<StoreEvent['type']>();
    if (filters.includes('NOPUT')) skips.add('put');
    if (filters.includes('NODELETE')) skips.add('delete');
    return {
      id: wanted === 0 ? this.nextId++ : wanted,
      // An empty key is the smallest one.
      start: key.length === 0 ? '\0' : keyOf(key),
      ...(end.length === 0 ? {} : { end: keyOf(end) }),
      previous: request.prev_kv,
      fragment: request.fragment,
      progressNotify: request.progress_notify,
      skips,
      next: from > 0 ? from : this.serving.space.revision + 1,
      live: undefined,
      wasActive: false,
    };
  }

  /**
   * Hears what is applied from `next` on, beginning with what history holds of it: that comes in a microtask, and only
   * behind it does the watcher lag no more.
   */
  private listen(watcher: StreamWatcher): void {
    this.lagging.add(watcher);
    const { start, end, next } = watcher;
    try {
      watcher.live = this.serving.space.watch(
        {
          start,
          ...(end === undefined ? {} : { end }),
          fromRevision: next as Revision,
          onLost: (error) => this.lose(watcher, error),
        },
        (events, revision) => this.take(watcher, events, revision),
      );
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'Compacted') throw error;
      this.lose(watcher, error);
    }
    const { live } = watcher;
    queueMicrotask(() => {
      // Unless it fell behind meanwhile, even if it has begun to listen again.
      if (live !== undefined && watcher.live === live) this.lagging.delete(watcher);
      this.payProgress();
    });
  }

  private take(watcher: StreamWatcher, events: readonly StoreEvent[], revision: number): void {
    const wanted = watcher.skips.size === 0 ? events : events.filter(({ type }) => !watcher.skips.has(type));
    let isWhole = true;
    for (const batch of batchesOf(wanted, watcher)) {
      // Never within a revision: what has been sent of it would be sent again.
      if (isWhole && this.queuedBytes >= maxQueuedBytes) return this.fallBehind(watcher);
      const { sizeBytes, fragment, lastRevision } = batch;
      const response = { watch_id: watcher.id, events: batch.events };
      this.write(fragment ? { ...response, fragment } : response, sizeBytes);
      watcher.wasActive = true;
      isWhole = !fragment;
      if (isWhole) watcher.next = lastRevision + 1;
    }
    watcher.next = Math.max(watcher.next, revision + 1);
    this.payProgress();
  }

  private fallBehind(watcher: StreamWatcher): void {
    watcher.live?.close();
    watcher.live = undefined;
    this.lagging.add(watcher);
  }

  private lose(watcher: StreamWatcher, error: StorageError): void {
    this.forget(watcher);
    const { message } = etcdError('compacted');
    this.write({
      watch_id: watcher.id,
      canceled: true,
      compact_revision: error.firstAvailable ?? this.serving.space.compactRevision,
      cancel_reason: message,
    });
  }

  private cancel(id: number): void {
    const watcher = this.watchers.get(id);
    if (watcher === undefined) return;
    this.forget(watcher);
    this.write({ watch_id: id, canceled: true });
  }

  private forget(watcher: StreamWatcher): void {
    watcher.live?.close();
    watcher.live = undefined;
    this.watchers.delete(watcher.id);
    this.lagging.delete(watcher);
  }

  /** Tells idle watchers that asked for it how far the store is: a restart from there misses nothing. */
  notifyProgress(): void {
    for (const watcher of this.watchers.values()) {
      const isIdle = !this.lagging.has(watcher) && !watcher.wasActive;
      watcher.wasActive = false;
      if (isIdle && watcher.progressNotify && !this.isAhead(watcher))
        this.write({ watch_id: watcher.id, events: [] });
    }
    this.payProgress();
  }

  /** It wants what this member has not applied yet: it came from one that has, and would be told to go back. */
  private isAhead({ next }: StreamWatcher): boolean {
    return next > this.serving.space.revision + 1;
  }

  /** True of all watchers at once, or not said. */
  private payProgress(): void {
    if (!this.owesProgress || this.lagging.size > 0) return;
    for (const watcher of this.watchers.values()) if (this.isAhead(watcher)) return;
    this.owesProgress = false;
    this.write({ watch_id: noWatchId });
  }

  private write(response: Omit<WatchResponse, 'header'>, eventBytes = 0): void {
    if (this.closed) return;
    const sizeBytes = eventBytes + responseBytes;
    this.queuedBytes += sizeBytes;
    if (this.queuedBytes >= maxQueuedBytes) this.sink.pause(true);
    this.sink.write({ header: this.serving.header(), ...response }, () => this.sent(sizeBytes));
  }

  private sent(sizeBytes: number): void {
    this.queuedBytes -= sizeBytes;
    // Half empty: neither idle while much waits, nor back and forth with each response.
    if (this.queuedBytes > maxQueuedBytes / 2 || this.closed) return;
    this.sink.pause(false);
    for (const watcher of this.lagging) if (watcher.live === undefined) this.listen(watcher);
  }

  close(): void {
    this.closed = true;
    for (const watcher of this.watchers.values()) watcher.live?.close();
    this.watchers.clear();
    this.lagging.clear();
  }
}
