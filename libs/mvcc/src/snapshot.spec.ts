import { crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from './crc32.js';
import {
  SnapshotError,
  asRevision,
  createStore,
  encodeCommand,
  restoreStore,
  restoreStoreAnew,
  unboundedEnd,
} from './index.js';
import type { Command, KeyValue, Operation, Revision, Store } from './index.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const everything = { start: '', end: unboundedEnd };

type Body<T = Command> = T extends Command ? Omit<T, 'id'> : never;

function applyTo(store: Store, body: Body, session = 1): void {
  const sequence = store.appliedIndex + 1;
  const id = { session, sequence, answeredBelow: Math.max(1, sequence - 5) };
  store.apply(sequence, 3, encodeCommand({ ...body, id } as Command));
}
const write = (store: Store, ...success: Operation[]): void =>
  applyTo(store, { type: 'txn', compare: [], success, failure: [] });

/** A store with live, changed, deleted and recreated keys, leases, several sessions and a compaction. */
function livedStore(valueBytes = 10): Store {
  const store = createStore();
  applyTo(store, { type: 'leaseGrant', lease: 9, ttlSeconds: 30 });
  for (let i = 0; i < 300; i++) {
    write(store, { type: 'put', key: `k/${i % 100}`, value: new Uint8Array(valueBytes).fill(i) });
    if (i % 7 === 0) write(store, { type: 'delete', key: `k/${(i * 3) % 100}` });
    if (i % 50 === 0) write(store, { type: 'put', key: `l/${i}`, value: bytes('x'), lease: 9 });
    if (i === 150) applyTo(store, { type: 'compact', revision: asRevision(100) });
  }
  applyTo(store, { type: 'leaseRenew', lease: 9 }, 2);
  return store;
}

// Values as text: deep comparison of bytes, one by one, takes minutes.
const plain = (keyValue: KeyValue | undefined): object | undefined =>
  keyValue && { ...keyValue, value: Buffer.from(keyValue.value).toString('latin1') };
const events = (store: Store, from: Revision): object[] =>
  store
    .eventsSince(from, '', unboundedEnd)
    .map(({ type, keyValue, previous }) => ({ type, keyValue: plain(keyValue), previous: plain(previous) }));

function expectEqualStores(actual: Store, expected: Store): void {
  expect(actual.hash()).toBe(expected.hash());
  expect(actual.appliedIndex).toBe(expected.appliedIndex);
  expect(actual.revision).toBe(expected.revision);
  expect(actual.compactedRevision).toBe(expected.compactedRevision);
  expect(actual.sizeBytes).toBe(expected.sizeBytes);
  expect(actual.inUseBytes).toBe(expected.inUseBytes);
  expect(actual.leases()).toEqual(expected.leases());
  expect(events(actual, expected.compactedRevision)).toEqual(events(expected, expected.compactedRevision));
  for (let r = expected.compactedRevision as number; r <= expected.revision; r += 13) {
    const revision = asRevision(Math.max(1, r));
    expect(actual.range({ ...everything, revision }).keyValues.map(plain)).toEqual(
      expected.range({ ...everything, revision }).keyValues.map(plain),
    );
  }
}

const concat = (chunks: Iterable<Uint8Array>): Uint8Array => Buffer.concat([...chunks]);

describe('a snapshot', () => {
  it('restores everything: keys, history, events, leases, sessions, hash', () => {
    const store = livedStore();
    store.sweep(1000);
    const restored = restoreStore(store.snapshot());
    expectEqualStores(restored, store);
    // And it goes on alike, repetitions of commands from before included.
    for (const each of [store, restored]) {
      write(each, { type: 'put', key: 'k/1', value: bytes('later') });
      applyTo(each, { type: 'leaseRevoke', lease: 9, ifRenewal: 1 });
      const id = { session: 1, sequence: each.appliedIndex - 1, answeredBelow: 1 };
      const again = encodeCommand({ type: 'leaseRenew', id, lease: 9 });
      expect(each.apply(each.appliedIndex + 1, 3, again)!.result).toMatchObject({
        repeated: true,
        succeeded: true,
      });
    }
    expectEqualStores(restored, store);
  });

  it('of an empty store restores an empty store', () => {
    expectEqualStores(restoreStore(createStore().snapshot()), createStore());
  });

  it('is the same to the byte for equal logs, and of a restored store', () => {
    const [a, b] = [livedStore(), livedStore()];
    b.sweep(1000);
    expect(a.hash()).toBe(b.hash());
    expect(Buffer.compare(concat(a.snapshot()), concat(b.snapshot()))).toBe(0);
    // What is base and what is event is the same; live keys come in key order either way.
    const restored = restoreStore(a.snapshot());
    expect(Buffer.compare(concat(restored.snapshot()), concat(a.snapshot()))).toBe(0);
  });

  it('stays as it was taken while writes, compaction and sweeping go on', () => {
    const store = livedStore();
    const expected = concat(store.snapshot());
    const taken = store.snapshot();
    const chunks: Uint8Array[] = [];
    for (const chunk of taken) {
      chunks.push(chunk);
      for (let i = 0; i < 100; i++) {
        write(store, { type: 'put', key: `k/${i}`, value: bytes('overwritten') });
        write(store, { type: 'delete', key: `k/${i + 1}` });
      }
      applyTo(store, { type: 'leaseRenew', lease: 9 }, 77);
      applyTo(store, { type: 'compact', revision: store.revision });
      store.sweep(100_000);
    }
    expect(Buffer.compare(concat(chunks), expected)).toBe(0);
  });

  it('comes in bounded chunks, which may be cut anew on their way', () => {
    const store = livedStore(20_000);
    const chunks = [...store.snapshot()];
    expect(chunks.length).toBeGreaterThan(5);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(1 << 20);
    const whole = concat(chunks);
    const cut = function* (size: number): Generator<Uint8Array> {
      for (let i = 0; i < whole.length; i += size) yield whole.subarray(i, i + size);
    };
    store.sweep(1000);
    expectEqualStores(restoreStore(cut(997)), store);
    expectEqualStores(restoreStore([whole]), store);
    // Values are copies: they do not keep the chunk alive.
    expect(restoreStore([whole]).get('k/1')!.value.buffer.byteLength).toBe(20_000);
  });
});

describe('a damaged snapshot', () => {
  const whole = concat(livedStore().snapshot());

  it('is refused wherever a bit is flipped', () => {
    for (let i = 0; i < whole.length; i += 41) {
      const damaged = Uint8Array.from(whole);
      damaged[i]! ^= 1 << (i % 8);
      expect(() => restoreStore([damaged]), `byte ${i}`).toThrow(SnapshotError);
    }
  });

  it('is refused wherever it is cut off, also between two frames', () => {
    for (let length = 0; length < whole.length; length += 97) {
      expect(() => restoreStore([whole.subarray(0, length)])).toThrow(SnapshotError);
    }
    const chunks = [...livedStore(20_000).snapshot()];
    for (let missing = 0; missing < chunks.length; missing++) {
      expect(() => restoreStore(chunks.filter((_, i) => i !== missing))).toThrow(SnapshotError);
    }
  });

  it('is refused with something behind its end, and says what is wrong', () => {
    expect(() => restoreStore([whole, bytes('x')])).toThrow('there is more behind its end');
    expect(() => restoreStore([bytes('not a snapshot at all')])).toThrow(SnapshotError);
    expect(() => restoreStore([])).toThrow('ends in the middle of the header');
  });
});

describe('the CRC', () => {
  it('is the one of zlib', () => {
    for (const length of [0, 1, 7, 8, 9, 1000, 4099]) {
      const data = Uint8Array.from({ length }, (_, i) => (i * 31 + 7) & 0xff);
      expect(crc32(data)).toBe(zlibCrc32(data));
    }
  });
});

describe('a store for another cluster', () => {
  it('holds the same keys at revisions that the old one has never given, and nothing older can be asked for', () => {
    const old = livedStore();
    const anew = restoreStoreAnew(old.snapshot(), 1_000);
    expect(anew.revision).toBe(old.revision + 1_000);
    expect(anew.range(everything).keyValues.map(plain)).toEqual(old.range(everything).keyValues.map(plain));
    expect(anew.leases()).toEqual(old.leases());
    expect(anew.etcd.revision).toBe(old.etcd.revision + 1_000);
    // A watch that goes on from any revision of the old cluster, even one that the snapshot does not hold.
    for (const from of [1, old.revision, old.revision + 1, old.revision + 999])
      expect(() => anew.eventsSince(asRevision(from), '', unboundedEnd)).toThrow('compacted');
    expect(anew.eventsSince(asRevision(anew.revision + 1), '', unboundedEnd)).toEqual([]);
    write(anew, { type: 'put', key: 'new', value: bytes('x') });
    expect(anew.get('new')?.modRevision).toBe(old.revision + 1_001);
    expect(anew.sizeBytes - anew.inUseBytes, 'history').toBeLessThan(1_000);
  });

  it('is equal to the byte wherever it is made, and knows no command of the old cluster', () => {
    const old = livedStore();
    const one = restoreStoreAnew(old.snapshot(), 7);
    const other = restoreStoreAnew(old.snapshot(), 7);
    const again = (store: Store): void => {
      const index = store.appliedIndex + 1;
      const id = { session: 1, sequence: old.appliedIndex, answeredBelow: 1 };
      const applied = store.apply(index, 9, encodeCommand({ type: 'leaseRenew', id, lease: 9 }));
      expect(applied?.result.repeated).toBe(false);
    };
    again(one);
    again(other);
    expectEqualStores(one, other);
    expectEqualStores(restoreStore(one.snapshot()), one);
    expect(one.alarms()).toEqual([]);
  });

  it('refuses revisions that go back or beyond what can be counted', () => {
    for (const bad of [0, -1, 0.5, Number.MAX_SAFE_INTEGER])
      expect(() => restoreStoreAnew(livedStore().snapshot(), bad), `${bad}`).toThrow(RangeError);
  });
});
