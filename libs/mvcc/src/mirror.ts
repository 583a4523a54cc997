import { CompactedError } from './errors.js';
import { KeySpace } from './key-space.js';
import { asRevision } from './types.js';
import type { KeyValue, RangeQuery, RangeResult, Revision, StoreEvent } from './types.js';

/** The changes that a mirror is fed do not follow from what it holds: it must be loaded anew. */
export class MirrorError extends Error {
  override readonly name = 'MirrorError';
}

/** One change of the store that is mirrored, with the numbers that it gave. */
export type MirrorChange =
  | { readonly type: 'put'; readonly keyValue: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly revision: Revision };

/**
 * A copy of another store's keys, fed with its changes: revisions are that store's, nothing is decided here. Reads,
 * watches and compaction are as with a Store; history begins behind the revision that was loaded.
 */
export interface Mirror {
  readonly revision: Revision;
  readonly compactedRevision: Revision;
  /** Memory of live keys and history; `inUseBytes` of live keys alone. */
  readonly sizeBytes: number;
  readonly inUseBytes: number;
  readonly keyCount: number;
  get(key: string): KeyValue | undefined;
  range(query: RangeQuery): RangeResult;
  /** Throws CompactedError for what was compacted, or was there before the mirror was loaded. */
  eventsSince(from: Revision, start: string, end?: string): readonly StoreEvent[];
  /** Applies all changes of some revisions, in order. Throws MirrorError, and is of no use any more, where they do not fit. */
  apply(changes: readonly MirrorChange[]): readonly StoreEvent[];
  /** The mirrored store is known to have changed nothing here up to this revision. An older one changes nothing. */
  advance(revision: Revision): void;
  /** As Store's commands and `sweep`: what is older than `revision` is gone. */
  compact(revision: Revision): void;
  sweep(maxEvents: number): boolean;
}

/** A mirror that holds `keyValues` as they were at `revision`. Records are kept, not copied. */
export function createMirror(revision: Revision, keyValues: Iterable<KeyValue>): Mirror {
  return new KeyMirror(revision, keyValues);
}

class KeyMirror implements Mirror {
  private readonly keys = new KeySpace();
  private readonly firstWatchable: Revision;

  constructor(revision: Revision, keyValues: Iterable<KeyValue>) {
    this.keys.revision = revision;
    this.keys.compactedRevision = revision;
    this.firstWatchable = asRevision(revision + 1);
    for (const keyValue of keyValues) this.keys.load(keyValue);
  }

  get revision(): Revision {
    return this.keys.revision;
  }

  get compactedRevision(): Revision {
    return this.keys.compactedRevision;
  }

  get sizeBytes(): number {
    return this.keys.liveBytes + this.keys.historyBytes;
  }

  get inUseBytes(): number {
    return this.keys.liveBytes;
  }

  get keyCount(): number {
    return this.keys.liveCount;
  }

  get(key: string): KeyValue | undefined {
    return this.keys.get(key);
  }

  range(query: RangeQuery): RangeResult {
    return this.keys.range(query);
  }

  eventsSince(from: Revision, start: string, end?: string): readonly StoreEvent[] {
    if (from < this.firstWatchable) throw new CompactedError(from, this.firstWatchable);
    return this.keys.eventsSince(from, start, end);
  }

  apply(changes: readonly MirrorChange[]): readonly StoreEvent[] {
    const events: StoreEvent[] = [];
    let { revision } = this.keys;
    for (const change of changes) {
      const at = change.type === 'put' ? change.keyValue.modRevision : change.revision;
      if (at < revision || at === this.keys.revision) {
        throw new MirrorError(`a change of revision ${at} cannot follow revision ${revision}`);
      }
      revision = at;
      events.push(this.change(change, at));
    }
    this.keys.revision = revision;
    return events;
  }

  private change(change: MirrorChange, revision: Revision): StoreEvent {
    if (change.type === 'delete') {
      const event = this.keys.delete(revision, change.key);
      if (event === undefined)
        throw new MirrorError(`'${change.key}' was deleted at ${revision} but is not here`);
      return event;
    }
    const { key, value, lease, createRevision, version } = change.keyValue;
    const event = this.keys.put(revision, key, value, lease);
    if (event.keyValue.createRevision !== createRevision || event.keyValue.version !== version) {
      throw new MirrorError(
        `'${key}' at ${revision} was created at ${createRevision} and is version ${version}, not ${event.keyValue.createRevision} and ${event.keyValue.version}`,
      );
    }
    return event;
  }

  advance(revision: Revision): void {
    if (revision > this.keys.revision) this.keys.revision = revision;
  }

  compact(revision: Revision): void {
    if (revision > this.keys.compactedRevision && revision <= this.keys.revision) this.keys.compact(revision);
  }

  sweep(maxEvents: number): boolean {
    return this.keys.sweep(maxEvents);
  }
}
