import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CompactedError,
  asRevision,
  createStore,
  encodeCommand,
  restoreStore,
  unboundedEnd,
} from './index.js';
import type { Command, Operation, Store, StoreEvent } from './index.js';

// A store that is naive on purpose: a full copy of the keys for every revision, and every event ever.
interface Plain {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: number;
}
type State = ReadonlyMap<string, Plain>;

class Model {
  revision = 1;
  compacted = 0;
  readonly states: State[] = [new Map(), new Map()];
  readonly events: { type: string; key: string; revision: number; value: string }[] = [];
  readonly leases = new Map<number, number>();

  get now(): State {
    return this.states[this.revision]!;
  }

  select(state: State, start: string, end?: string): Plain[] {
    const holds = (key: string): boolean =>
      end === undefined ? key === start : key >= start && (end === unboundedEnd || key < end);
    return [...state.values()].filter((kv) => holds(kv.key)).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  commit(change: (next: Map<string, Plain>, revision: number) => void): void {
    const next = new Map(this.now);
    const before = this.events.length;
    change(next, this.revision + 1);
    if (this.events.length === before) return;
    this.revision++;
    this.states.push(next);
  }

  put(next: Map<string, Plain>, revision: number, key: string, value: string, lease: number): void {
    const old = next.get(key);
    const createRevision = old?.createRevision ?? revision;
    next.set(key, {
      key,
      value,
      createRevision,
      modRevision: revision,
      version: (old?.version ?? 0) + 1,
      lease,
    });
    this.events.push({ type: 'put', key, revision, value });
  }

  remove(next: Map<string, Plain>, revision: number, key: string): void {
    if (next.delete(key)) this.events.push({ type: 'delete', key, revision, value: '' });
  }
}

const keys = ['a', 'a/1', 'a/2', 'a/20', 'b', 'b/1', 'c'];
const key = fc.constantFrom(...keys);
const end = fc.option(fc.constantFrom('a/2', 'b', 'b/', 'd', unboundedEnd), { nil: undefined });
const lease = fc.integer({ min: 1, max: 2 });

type Step =
  | { type: 'put'; key: string; value: string; lease?: number; ifMod: boolean | undefined }
  | { type: 'delete'; key: string; end?: string }
  | { type: 'grant' | 'revoke'; lease: number }
  | { type: 'compact'; back: number }
  | { type: 'restore' }
  | { type: 'sweep' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('put' as const),
      key,
      value: fc.string({ maxLength: 3, unit: 'grapheme-ascii' }),
      lease: fc.option(lease, { nil: undefined }),
      ifMod: fc.option(fc.boolean(), { nil: undefined }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('delete' as const), key, end }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('grant' as const, 'revoke' as const), lease }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), back: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('restore' as const, 'sweep' as const) }) },
);

const decoder = new TextDecoder();

function run(store: Store, model: Model, move: Step): Store {
  const sequence = store.appliedIndex + 1;
  const id = { session: 1, sequence, answeredBelow: sequence };
  const apply = (command: Command): boolean =>
    store.apply(sequence, 1, encodeCommand(command))!.result.succeeded;
  switch (move.type) {
    case 'put': {
      const wanted = move.lease !== undefined && model.leases.has(move.lease) ? move.lease : 0;
      const value = new TextEncoder().encode(move.value);
      const success: Operation[] = [{ type: 'put', key: move.key, value, lease: wanted }];
      const mod = model.now.get(move.key)?.modRevision ?? 0;
      const compare =
        move.ifMod === undefined
          ? []
          : [
              {
                key: move.key,
                target: 'modRevision',
                operator: '=',
                operand: move.ifMod ? mod : mod + 1,
              } as const,
            ];
      expect(apply({ type: 'txn', id, compare, success, failure: [] })).toBe(move.ifMod !== false);
      if (move.ifMod === false) break;
      model.commit((next, revision) => model.put(next, revision, move.key, move.value, wanted));
      break;
    }
    case 'delete': {
      const success: Operation[] = [{ type: 'delete', key: move.key, end: move.end }];
      apply({ type: 'txn', id, compare: [], success, failure: [] });
      model.commit((next, revision) => {
        for (const kv of model.select(next, move.key, move.end)) model.remove(next, revision, kv.key);
      });
      break;
    }
    case 'grant':
      expect(apply({ type: 'leaseGrant', id, lease: move.lease, ttlSeconds: 5 })).toBe(
        !model.leases.has(move.lease),
      );
      model.leases.set(move.lease, 5);
      break;
    case 'revoke':
      expect(apply({ type: 'leaseRevoke', id, lease: move.lease })).toBe(model.leases.delete(move.lease));
      model.commit((next, revision) => {
        for (const kv of model.select(next, '', unboundedEnd)) {
          if (kv.lease === move.lease) model.remove(next, revision, kv.key);
        }
      });
      break;
    case 'compact': {
      const revision = Math.max(1, model.revision - move.back);
      expect(apply({ type: 'compact', id, revision: asRevision(revision) })).toBe(revision > model.compacted);
      model.compacted = Math.max(model.compacted, revision);
      break;
    }
    case 'restore':
      return restoreStore(store.snapshot());
    case 'sweep':
      store.sweep(1);
  }
  return store;
}

function compare(store: Store, model: Model): void {
  expect(store.revision).toBe(model.revision);
  expect(store.compactedRevision).toBe(model.compacted);
  for (let r = 1; r <= model.revision; r++) {
    const revision = asRevision(r);
    const queries = [
      { start: '', end: unboundedEnd },
      { start: 'a/', end: 'a0' },
      { start: 'b' },
      { start: 'a', end: unboundedEnd, limit: 2 },
    ];
    for (const query of queries) {
      if (r < model.compacted) {
        expect(() => store.range({ ...query, revision })).toThrow(CompactedError);
        continue;
      }
      const all = model.select(model.states[r]!, query.start, query.end);
      const limit = query.limit ?? all.length;
      const found = store.range({ ...query, revision, count: true });
      expect(found.keyValues.map((kv) => ({ ...kv, value: decoder.decode(kv.value) }))).toEqual(
        all.slice(0, limit),
      );
      expect([found.count, found.more]).toEqual([all.length, all.length > limit]);
    }
    if (r >= model.compacted) {
      for (const k of keys)
        expect(store.get(k, revision)?.modRevision).toBe(model.states[r]!.get(k)?.modRevision);
      const plain = (e: StoreEvent): object => ({
        type: e.type,
        key: e.keyValue.key,
        revision: e.keyValue.modRevision,
        value: decoder.decode(e.keyValue.value),
      });
      const expected = model.events.filter((e) => e.revision >= r && e.key >= 'a/' && e.key < 'b/1');
      expect(store.eventsSince(revision, 'a/', 'b/1').map(plain)).toEqual(expected);
      for (const e of store.eventsSince(revision, '', unboundedEnd)) {
        const before = model.states[e.keyValue.modRevision - 1]!.get(e.keyValue.key);
        expect(e.previous?.modRevision).toBe(before?.modRevision);
      }
    }
  }
}

describe('against a naive model', () => {
  it('every retained revision reads and watches the same, whatever was done in between', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        let store = createStore();
        const model = new Model();
        for (const move of steps) store = run(store, model, move);
        compare(store, model);
      }),
      { numRuns: 150 },
    );
  });

  it('equal logs give equal stores, however they were interrupted by snapshots and sweeping', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(40)),
        (steps, restoreAt) => {
          const log: Uint8Array[] = [];
          const recorder = createStore();
          const record: Store = Object.create(recorder, {
            apply: {
              value: (index: number, term: number, bytes: Uint8Array) => {
                log.push(bytes);
                return recorder.apply(index, term, bytes);
              },
            },
          }) as Store;
          const model = new Model();
          for (const move of steps) if (move.type !== 'restore') run(record, model, move);
          let other = createStore();
          log.forEach((bytes, i) => {
            if (restoreAt.includes(i)) other = restoreStore(other.snapshot());
            other.apply(i + 1, 1, bytes);
          });
          expect(other.hash()).toBe(recorder.hash());
          expect(Buffer.concat([...other.snapshot()]).equals(Buffer.concat([...recorder.snapshot()]))).toBe(
            true,
          );
          recorder.sweep(1000);
          other.sweep(1000);
          expect(other.sizeBytes).toBe(recorder.sizeBytes);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('one differing byte of one command gives another hash', () => {
    const run = (value: number): number => {
      const store = createStore();
      const success: Operation[] = [{ type: 'put', key: 'a', value: Uint8Array.of(1, 2, 3, 4, value) }];
      const id = { session: 1, sequence: 1, answeredBelow: 1 };
      store.apply(1, 1, encodeCommand({ type: 'txn', id, compare: [], success, failure: [] }));
      store.apply(2, 1, new Uint8Array(0));
      return store.hash();
    };
    expect(new Set(Array.from({ length: 256 }, (_, value) => run(value))).size).toBe(256);
    expect(Number.isSafeInteger(run(0))).toBe(true);
  });
});
