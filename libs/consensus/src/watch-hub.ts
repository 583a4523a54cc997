import { CompactedError, createOrderedMap, effectiveEnd, unboundedEnd } from '#libs/mvcc';
import type { OrderedMap, Revision, Store, StoreEvent } from '#libs/mvcc';
import { StorageError } from './storage.js';
import type { WatchListener, WatchRequest, Watcher } from './storage.js';

/** What a hub wants of a key space: where it stands, and what has happened. */
type WatchedSpace = Pick<Store, 'revision' | 'eventsSince'>;

export interface WatchHubOptions {
  /** A listener threw: its watcher has been closed, the others are not affected. */
  readonly onListenerError: (error: unknown) => void;
}

/**
 * Turns what a store applied into calls of its watchers.
 *
 * The host applies a batch of the log and calls `deliver` with all its events before anything else may run
 * (no await in between); every watcher then gets its share of the batch in one call. An event finds its watchers by one
 * search among the boundaries of all watched ranges, however many there are; watchers of one range share one array.
 */
export class WatchHub {
  private readonly groups = new Map<string, Group>();
  private readonly index = new RangeIndex<Group>();
  private touched: Group[] = [];
  private closed = false;

  constructor(
    private store: WatchedSpace,
    private readonly options: WatchHubOptions,
  ) {}

  get watcherCount(): number {
    let count = 0;
    for (const group of this.groups.values()) count += group.watchers.size;
    return count;
  }

  /**
   * What was applied before is handed over in a call of its own, in the microtask after this or before the next batch.
   * Throws StorageError Compacted when `fromRevision` is no longer retained, Stopped once all are closed.
   */
  watch(request: WatchRequest, listener: WatchListener): Watcher {
    if (this.closed) throw new StorageError('Stopped', 'the storage has been closed');
    const end = effectiveEnd(request.start, request.end);
    const replay = this.replay(request, end);
    const group = this.join(request.start, end);
    const watcher: LiveWatcher = {
      listener,
      onLost: request.onLost,
      group,
      from: request.fromRevision ?? 0,
      // A watcher that has come from a replica ahead of this one: it knows more than there is to tell for now.
      delivered: Math.max(this.store.revision, (request.fromRevision ?? 0) - 1) as Revision,
      replay: replay.length > 0 ? { events: replay, revision: this.store.revision } : undefined,
      closed: false,
    };
    group.watchers.add(watcher);
    if (watcher.replay !== undefined) queueMicrotask(() => this.flushReplay(watcher));
    return { close: () => this.remove(watcher) };
  }

  private replay(request: WatchRequest, end: string): readonly StoreEvent[] {
    const from = request.fromRevision;
    if (from === undefined) return [];
    try {
      return this.store.eventsSince(from, request.start, end);
    } catch (error) {
      throw compacted(error);
    }
  }

  /** All events of a batch that the store has just applied, in revision order; `revision` is the store's now. */
  deliver(events: readonly StoreEvent[], revision: Revision): void {
    for (const event of events) {
      for (const group of this.index.at(event.keyValue.key)) {
        if (group.pending.length === 0) this.touched.push(group);
        group.pending.push(event);
      }
    }
    const touched = this.touched;
    this.touched = [];
    for (const group of touched) {
      const pending = group.pending;
      group.pending = [];
      for (const watcher of group.watchers) this.deliverTo(watcher, pending, revision);
    }
  }

  private deliverTo(watcher: LiveWatcher, events: readonly StoreEvent[], revision: Revision): void {
    // A watcher that a listener of this very batch has opened begins behind it.
    if (watcher.delivered >= revision) return;
    this.flushReplay(watcher);
    let due = events;
    if (watcher.from > watcher.delivered) due = events.filter((e) => e.keyValue.modRevision >= watcher.from);
    if (due.length > 0) this.call(watcher, due, revision);
  }

  /** Tells every watcher that has not seen the store's revision that nothing of its range has happened up to it. */
  progress(): void {
    const { revision } = this.store;
    for (const group of this.groups.values()) {
      for (const watcher of group.watchers) {
        if (watcher.delivered >= revision) continue;
        this.flushReplay(watcher);
        this.call(watcher, [], revision);
      }
    }
  }

  /** The store was replaced by a newer one: watchers get what they missed, or learn that it is lost. */
  replaceStore(store: WatchedSpace): void {
    this.store = store;
    for (const group of this.groups.values()) {
      for (const watcher of group.watchers) this.catchUp(watcher);
    }
  }

  private catchUp(watcher: LiveWatcher): void {
    this.flushReplay(watcher);
    if (watcher.closed) return;
    const { start, end } = watcher.group;
    const from = Math.max(watcher.delivered + 1, watcher.from) as Revision;
    try {
      const events = this.store.eventsSince(from, start, end);
      if (events.length > 0) this.call(watcher, events, this.store.revision);
    } catch (error) {
      const lost = compacted(error);
      this.remove(watcher);
      watcher.onLost?.(lost);
    }
  }

  /** Nothing more may be told from this store: every watcher learns that it has to read anew, elsewhere. */
  loseAll(error: StorageError): void {
    // Whoever learns it may watch again at once: not those, then.
    for (const watcher of [...this.groups.values()].flatMap(({ watchers }) => [...watchers])) {
      this.remove(watcher);
      watcher.onLost?.(error);
    }
  }

  closeAll(): void {
    this.closed = true;
    for (const group of this.groups.values()) {
      for (const watcher of group.watchers) this.remove(watcher);
    }
  }

  private flushReplay(watcher: LiveWatcher): void {
    const { replay } = watcher;
    if (replay === undefined || watcher.closed) return;
    watcher.replay = undefined;
    this.call(watcher, replay.events, replay.revision);
  }

  private call(watcher: LiveWatcher, events: readonly StoreEvent[], revision: Revision): void {
    if (watcher.closed) return;
    watcher.delivered = revision;
    try {
      watcher.listener(events, revision);
    } catch (error) {
      this.remove(watcher);
      this.options.onListenerError(error);
    }
  }

  private join(start: string, end: string): Group {
    const name = `${start.length}:${start}${end}`;
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    const group: Group = { name, start, end, watchers: new Set(), pending: [] };
    this.groups.set(name, group);
    this.index.add(start, end, group);
    return group;
  }

  private remove(watcher: LiveWatcher): void {
    if (watcher.closed) return;
    watcher.closed = true;
    const { group } = watcher;
    group.watchers.delete(watcher);
    if (group.watchers.size > 0) return;
    this.groups.delete(group.name);
    this.index.remove(group.start, group.end, group);
  }
}

interface LiveWatcher {
  readonly listener: WatchListener;
  readonly onLost: WatchRequest['onLost'];
  readonly group: Group;
  readonly from: number;
  /** The store's revision as of the last call. */
  delivered: number;
  replay: { readonly events: readonly StoreEvent[]; readonly revision: Revision } | undefined;
  closed: boolean;
}

/** All watchers of one range. */
interface Group {
  readonly name: string;
  readonly start: string;
  readonly end: string;
  readonly watchers: Set<LiveWatcher>;
  /** Events of the batch that is being delivered. */
  pending: StoreEvent[];
}

interface Segment<T> {
  items: readonly T[];
  /** How many ranges begin or end here. */
  uses: number;
}

/** Overlapping ranges, kept as the segments between their boundaries, each with the ranges that cover it. */
class RangeIndex<T> {
  private readonly segments: OrderedMap<Segment<T>> = createOrderedMap();

  constructor() {
    this.segments.set('', { items: [], uses: 1 });
  }

  /** The ranges that hold this key: one search, not one comparison a range. */
  at(key: string): readonly T[] {
    return this.segments.getPairOrNextLower(key)![1].items;
  }

  add(start: string, end: string, item: T): void {
    if (isEmpty(start, end)) return;
    this.split(start);
    if (end !== unboundedEnd) this.split(end);
    for (const segment of this.covered(start, end)) segment.items = [...segment.items, item];
  }

  remove(start: string, end: string, item: T): void {
    if (isEmpty(start, end)) return;
    for (const segment of this.covered(start, end))
      segment.items = segment.items.filter((held) => held !== item);
    this.join(start);
    if (end !== unboundedEnd) this.join(end);
  }

  private covered(start: string, end: string): Segment<T>[] {
    const found: Segment<T>[] = [];
    for (const [from, segment] of this.segments.entries(start)) {
      if (end !== unboundedEnd && from >= end) break;
      found.push(segment);
    }
    return found;
  }

  private split(at: string): void {
    const [from, segment] = this.segments.getPairOrNextLower(at)!;
    if (from === at) segment.uses++;
    else this.segments.set(at, { items: segment.items, uses: 1 });
  }

  private join(at: string): void {
    const segment = this.segments.get(at)!;
    segment.uses--;
    // No range begins or ends here any more: the segment covers what its predecessor does.
    if (segment.uses === 0) this.segments.delete(at);
  }
}

function isEmpty(start: string, end: string): boolean {
  return end !== unboundedEnd && start >= end;
}

/** As the Storage port reports it; anything else is a fault of ours and goes on as it is. */
function compacted(error: unknown): StorageError {
  if (!(error instanceof CompactedError)) throw error;
  return new StorageError('Compacted', error.message, error.firstAvailable);
}
