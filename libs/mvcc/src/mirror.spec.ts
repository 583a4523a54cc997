import { describe, expect, it } from 'vitest';
import { createMirror, MirrorError } from './mirror.js';
import type { Mirror, MirrorChange } from './mirror.js';
import { encodeCommand } from './command-codec.js';
import { createStore } from './store.js';
import { unboundedEnd } from './key-range.js';
import { asRevision } from './types.js';
import type { Operation, StoreEvent } from './types.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const all = { start: '', end: unboundedEnd };

/** A store and what it told, as another process would see it. */
function source() {
  const store = createStore();
  let sequence = 0;
  return {
    store,
    write(...success: Operation[]): readonly StoreEvent[] {
      sequence++;
      const id = { session: 1, sequence, answeredBelow: sequence };
      const command = encodeCommand({ type: 'txn', id, compare: [], success, failure: [] });
      return store.apply(sequence, 1, command)?.events ?? [];
    },
  };
}

const changes = (events: readonly StoreEvent[]): MirrorChange[] =>
  events.map(({ type, keyValue }) =>
    type === 'put' ? { type, keyValue } : { type, key: keyValue.key, revision: keyValue.modRevision },
  );
const put = (key: string, value = ''): Operation => ({ type: 'put', key, value: bytes(value) });

describe('a mirror', () => {
  it('fed with what a store does reads, and tells its history, as that store', () => {
    const { store, write } = source();
    write(put('a', '0'), put('b', '0'));
    const mirror = createMirror(store.revision, store.range(all).keyValues);
    const steps = [[put('a', '1')], [{ type: 'delete', key: 'b' }, put('c')], [put('b', 'again')]] as const;
    for (const step of steps) mirror.apply(changes(write(...step)));
    expect(mirror.revision).toBe(store.revision);
    for (const revision of [2, 3, 4, 5].map(asRevision))
      expect(mirror.range({ ...all, revision })).toEqual(store.range({ ...all, revision }));
    expect(mirror.eventsSince(asRevision(3), '', unboundedEnd)).toEqual(
      store.eventsSince(asRevision(3), '', unboundedEnd),
    );
  });

  it('has no history of what was before it was loaded, nor of what was compacted', () => {
    const mirror: Mirror = createMirror(asRevision(7), []);
    const since = (revision: number) => () => mirror.eventsSince(asRevision(revision), '', unboundedEnd);
    expect(since(7)).toThrow(expect.objectContaining({ firstAvailable: 8 }));
    expect(since(8)()).toEqual([]);
    expect(() => mirror.range({ ...all, revision: asRevision(6) })).toThrow(/compacted/);
    mirror.advance(asRevision(20));
    mirror.compact(asRevision(15));
    mirror.compact(asRevision(30));
    expect(mirror.compactedRevision).toBe(15);
    expect(since(14)).toThrow(expect.objectContaining({ firstAvailable: 15 }));
  });

  it('advances past revisions that changed nothing here, never back', () => {
    const mirror = createMirror(asRevision(7), []);
    mirror.advance(asRevision(9));
    mirror.advance(asRevision(8));
    expect(mirror.revision).toBe(9);
  });

  it('refuses changes that do not follow from what it holds', () => {
    const { store, write } = source();
    write(put('a'));
    const missed = write(put('a', 'missed'));
    const later = write(put('a', 'later'));
    const mirror = (): Mirror =>
      createMirror(asRevision(2), store.range({ ...all, revision: asRevision(2) }).keyValues);
    expect(() => mirror().apply(changes(later))).toThrow(MirrorError);
    expect(() => mirror().apply(changes([...later, ...missed]))).toThrow(MirrorError);
    expect(() => mirror().apply([{ type: 'delete', key: 'x', revision: asRevision(3) }])).toThrow(
      MirrorError,
    );
    const fed = mirror();
    fed.apply(changes(missed));
    expect(() => fed.apply(changes(missed))).toThrow(/cannot follow/);
  });
});
