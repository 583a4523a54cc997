import { CompactedError, FutureRevisionError } from './errors.js';
import { EventLog } from './event-log.js';
import { effectiveEnd, inRange, unboundedEnd } from './key-range.js';
import { countRange, createOrderedMap, visitRange } from './ordered-map.js';
import type { OrderedMap } from './ordered-map.js';
import { asRevision } from './types.js';
import type { KeyValue, RangeQuery, RangeResult, Revision, StoreEvent } from './types.js';
import { VersionList } from './version-list.js';

const noValue = new Uint8Array(0);
/** What a record and its place in the tree take beside key and value: an estimate that all replicas share. */
const recordOverheadBytes = 128;
const eventOverheadBytes = 96;

function recordBytes(keyValue: KeyValue): number {
  return keyValue.key.length + keyValue.value.length + recordOverheadBytes;
}

/**
 * Revisioned keys: what is live, in a copy-on-write tree for order and snapshots and in a hash map for single
 * keys; the superseded versions of each key; and all retained events in order. The maps are never
 * iterated, so their order cannot matter. Nothing here decides: the caller says at which revision what is written.
 */
export class KeySpace {
  revision = asRevision(1);
  compactedRevision = asRevision(0);
  /** Bytes of live keys and values with their overhead. */
  liveBytes = 0;
  /** Bytes that superseded versions and retained events hold beside. */
  historyBytes = 0;
  private readonly live: OrderedMap<KeyValue> = createOrderedMap();
  private readonly byKey = new Map<string, KeyValue>();
  private readonly past = new Map<string, VersionList>();
  /** Those of `past` that do not live now: reads at older revisions still have to find them in order. */
  private readonly ghosts: OrderedMap<VersionList> = createOrderedMap();
  private readonly log = new EventLog();

  /** Live keys as of now; immutable, O(1). */
  liveView(): Iterable<KeyValue> {
    const frozen = this.live.clone();
    return { [Symbol.iterator]: () => frozen.values() };
  }

  get liveCount(): number {
    return this.live.size;
  }

  /** `value` is kept, not copied. */
  put(revision: Revision, key: string, value: Uint8Array, lease: number): StoreEvent {
    const previous = this.byKey.get(key);
    const keyValue: KeyValue = {
      // The one key string of all versions, rather than one a command.
      key: previous === undefined ? key : previous.key,
      value,
      createRevision: previous === undefined ? revision : previous.createRevision,
      modRevision: revision,
      version: previous === undefined ? 1 : previous.version + 1,
      lease,
    };
    const event: StoreEvent = { type: 'put', keyValue, previous };
    if (previous === undefined && this.past.has(key)) this.ghosts.delete(key);
    this.store(keyValue);
    this.record(event);
    return event;
  }

  /** Undefined when there is no such key. */
  delete(revision: Revision, key: string): StoreEvent | undefined {
    const previous = this.byKey.get(key);
    if (previous === undefined) return undefined;
    const keyValue: KeyValue = {
      key: previous.key,
      value: noValue,
      createRevision: asRevision(0),
      modRevision: revision,
      version: 0,
      lease: 0,
    };
    const event: StoreEvent = { type: 'delete', keyValue, previous };
    this.live.delete(key);
    this.byKey.delete(key);
    this.record(event);
    this.ghosts.set(previous.key, this.past.get(previous.key)!);
    return event;
  }

  /** A record as a snapshot holds it: no event comes of it. */
  load(keyValue: KeyValue): void {
    this.store(keyValue);
  }

  private store(keyValue: KeyValue): void {
    this.live.set(keyValue.key, keyValue);
    this.byKey.set(keyValue.key, keyValue);
    this.liveBytes += recordBytes(keyValue);
  }

  private record(event: StoreEvent): void {
    this.log.append(event);
    this.historyBytes += eventOverheadBytes;
    const { previous } = event;
    if (previous === undefined) return;
    this.liveBytes -= recordBytes(previous);
    this.historyBytes += recordBytes(previous);
    let versions = this.past.get(previous.key);
    if (versions === undefined) {
      versions = new VersionList();
      this.past.set(previous.key, versions);
    }
    versions.push(event);
  }

  get(key: string, revision?: Revision): KeyValue | undefined {
    const current = this.byKey.get(key);
    if (revision === undefined) return current;
    this.assertReadable(revision);
    if (current !== undefined && current.modRevision <= revision) return current;
    return revision === this.revision ? undefined : this.past.get(key)?.at(revision);
  }

  range(query: RangeQuery): RangeResult {
    const revision = query.revision ?? this.revision;
    this.assertReadable(revision);
    const limit = query.limit || Number.POSITIVE_INFINITY;
    const end = effectiveEnd(query.start, query.end);
    const keyValues: KeyValue[] = [];
    const isCurrent = revision === this.revision;
    let seen = 0;
    const countAll = query.count === true && !isCurrent;
    const visit = (keyValue: KeyValue): boolean => {
      seen++;
      if (keyValues.length < limit) keyValues.push(keyValue);
      // One beyond the limit is seen in order to know whether there are more.
      return countAll || seen <= limit;
    };
    if (!isCurrent) this.visitPast(query.start, end, revision, visit);
    else if (query.end === undefined) {
      const only = this.byKey.get(query.start);
      if (only !== undefined) visit(only);
    } else visitRange(this.live, query.start, end, visit);
    const more = seen > keyValues.length;
    let count = keyValues.length;
    if (query.count && more) count = isCurrent ? countRange(this.live, query.start, end) : seen;
    return { keyValues, more, count, revision };
  }

  /** Walks live keys and keys that no longer live side by side, in key order. */
  private visitPast(start: string, end: string, revision: Revision, visit: (kv: KeyValue) => boolean): void {
    const ghosts = this.ghosts.entries(start);
    let ghost = nextBelow(ghosts, end);
    const visitGhosts = (below?: string): boolean => {
      for (;;) {
        if (ghost === undefined || (below !== undefined && ghost[0] >= below)) return true;
        const found = ghost[1].at(revision);
        ghost = nextBelow(ghosts, end);
        if (found !== undefined && !visit(found)) return false;
      }
    };
    let goesOn = true;
    visitRange(this.live, start, end, (current, key) => {
      const found = current.modRevision <= revision ? current : this.past.get(key)?.at(revision);
      goesOn = visitGhosts(key) && (found === undefined || visit(found));
      return goesOn;
    });
    if (goesOn) visitGhosts();
  }

  private assertReadable(revision: Revision): void {
    if (revision > this.revision) throw new FutureRevisionError(revision, this.revision);
    if (revision < this.compactedRevision) throw new CompactedError(revision, this.compactedRevision);
  }

  /** Retained events with revision ≥ from, an immutable view. */
  eventView(from: Revision): Iterable<StoreEvent> {
    return this.log.since(from);
  }

  eventsSince(from: Revision, start: string, end?: string): StoreEvent[] {
    if (from < this.compactedRevision) throw new CompactedError(from, this.compactedRevision);
    const exclusiveEnd = effectiveEnd(start, end);
    const events: StoreEvent[] = [];
    for (const event of this.log.since(from)) {
      if (inRange(event.keyValue.key, start, exclusiveEnd)) events.push(event);
    }
    return events;
  }

  /** Reads and watches below `revision` fail from now on; `sweep` frees what only they needed. */
  compact(revision: Revision): void {
    this.compactedRevision = revision;
  }

  /**
   * Frees up to `maxEvents` events below the compacted revision, so that no compaction is one long pause.
   * Events of the compacted revision itself stay: a watch from it must still see its deletes.
   * @returns whether something is left to free
   */
  sweep(maxEvents: number): boolean {
    for (let budget = maxEvents; ; budget--) {
      const event = this.log.first();
      if (event === undefined || event.keyValue.modRevision >= this.compactedRevision) return false;
      if (budget <= 0) return true;
      this.log.dropFirst();
      this.historyBytes -= eventOverheadBytes;
      const { previous } = event;
      if (previous === undefined) continue;
      this.historyBytes -= recordBytes(previous);
      const versions = this.past.get(previous.key)!;
      versions.dropFirst();
      if (!versions.isEmpty) continue;
      this.past.delete(previous.key);
      if (!this.byKey.has(previous.key)) this.ghosts.delete(previous.key);
    }
  }
}

function nextBelow<Value>(entries: Iterator<[string, Value]>, end: string): [string, Value] | undefined {
  const step = entries.next();
  return step.done === true || (end !== unboundedEnd && step.value[0] >= end) ? undefined : step.value;
}
