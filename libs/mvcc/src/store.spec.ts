import { beforeEach, describe, expect, it } from 'vitest';
import {
  CompactedError,
  DecodeError,
  FutureRevisionError,
  asRevision,
  createStore,
  encodeCommand,
  prefixEnd,
  unboundedEnd,
} from './index.js';
import type { Command, CommandId, CommandResult, KeyValue, Operation, Store, StoreEvent } from './index.js';
import { maxEvictedSessions, maxResultsPerSession, maxSessions } from './sessions.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytes = (text: string): Uint8Array => encoder.encode(text);
const text = (keyValue: KeyValue | undefined): string | undefined =>
  keyValue && decoder.decode(keyValue.value);
const put = (key: string, value: string, lease?: number): Operation => ({
  type: 'put',
  key,
  value: bytes(value),
  lease,
});
const remove = (key: string, end?: string): Operation => ({ type: 'delete', key, end });

type Body<T = Command> = T extends Command ? Omit<T, 'id'> : never;

let store: Store;
let sequence: number;

beforeEach(() => {
  store = createStore();
  sequence = 0;
});

function applyFull(
  body: Body,
  id?: CommandId,
  term = 1,
): { result: CommandResult; events: readonly StoreEvent[] } {
  const nextId = id ?? { session: 1, sequence: ++sequence, answeredBelow: sequence };
  return store.apply(store.appliedIndex + 1, term, encodeCommand({ ...body, id: nextId } as Command))!;
}
const apply = (body: Body, id?: CommandId, term = 1): CommandResult => applyFull(body, id, term).result;
const txnOf = (...success: Operation[]): Body => ({ type: 'txn', compare: [], success, failure: [] });
const write = (...success: Operation[]): CommandResult => apply(txnOf(...success));

describe('revisions', () => {
  it('an empty store is at revision 1 and a read of it finds nothing', () => {
    expect(store.revision).toBe(1);
    expect(store.compactedRevision).toBe(0);
    expect(store.get('a')).toBeUndefined();
    expect(store.range({ start: 'a', end: unboundedEnd })).toEqual({
      keyValues: [],
      more: false,
      count: 0,
      revision: 1,
    });
  });

  it('one write transaction is one revision, however many keys it writes', () => {
    const result = write(put('a', '1'), put('b', '2'), remove('missing'));
    expect(result).toMatchObject({ revision: 2, succeeded: true });
    expect(store.get('a')).toMatchObject({ createRevision: 2, modRevision: 2, version: 1, lease: 0 });
    expect(store.get('b')).toMatchObject({ modRevision: 2 });
  });

  it('a transaction that changes nothing leaves the revision alone', () => {
    write(put('a', '1'));
    expect(write(remove('b')).revision).toBe(2);
    expect(write({ type: 'get', key: 'a' }).revision).toBe(2);
    expect(store.revision).toBe(2);
  });

  it('versions count the writes since the creation, which a deletion ends', () => {
    write(put('a', '1'));
    write(put('a', '2'));
    expect(store.get('a')).toMatchObject({ createRevision: 2, modRevision: 3, version: 2 });
    write(remove('a'));
    write(put('a', '3'));
    expect(store.get('a')).toMatchObject({ createRevision: 5, modRevision: 5, version: 1 });
  });

  it('entries must come without gaps', () => {
    expect(() => store.apply(2, 1, new Uint8Array(0))).toThrow('no gaps');
    expect(store.apply(1, 1, new Uint8Array(0))).toBeUndefined();
    expect(store.appliedIndex).toBe(1);
  });

  it('bytes that are no command change nothing', () => {
    const before = store.hash();
    expect(() => store.apply(1, 1, bytes('nonsense'))).toThrow(DecodeError);
    expect(store.appliedIndex).toBe(0);
    expect(store.hash()).toBe(before);
  });
});

describe('transactions', () => {
  it('the failure branch runs when one comparison does not hold', () => {
    write(put('a', '1'));
    const result = apply({
      type: 'txn',
      compare: [
        { key: 'a', target: 'version', operator: '=', operand: 1 },
        { key: 'b', target: 'modRevision', operator: '>', operand: 0 },
      ],
      success: [put('c', 'yes')],
      failure: [put('c', 'no'), { type: 'get', key: 'c' }],
    });
    expect(result.succeeded).toBe(false);
    expect(text(store.get('c'))).toBe('no');
    // An operation sees those before it.
    expect(result.results[1]).toMatchObject({ type: 'get', count: 1 });
  });

  it.each([
    ['modRevision', '=', 2, true],
    ['modRevision', '!=', 2, false],
    ['createRevision', '<', 3, true],
    ['version', '>', 1, false],
    ['lease', '=', 0, true],
    ['value', '=', 'm', true],
    ['value', '<', 'mm', true],
    ['value', '>', 'a', true],
    ['value', '!=', 'm', false],
  ] as const)('compares %s %s %s', (target, operator, operand, expected) => {
    write(put('k', 'm'));
    const value = typeof operand === 'number' ? operand : bytes(operand);
    const compare = [{ key: 'k', target, operator, operand: value }];
    expect(apply({ type: 'txn', compare, success: [], failure: [] }).succeeded).toBe(expected);
  });

  it('no comparison of a value holds for a key that does not exist', () => {
    const compare = [{ key: 'k', target: 'value', operator: '!=', operand: bytes('x') } as const];
    expect(apply({ type: 'txn', compare, success: [], failure: [] }).succeeded).toBe(false);
  });

  it.each([
    ['put twice', [put('a', '1'), put('a', '2')]],
    ['put and deleted', [remove('a'), put('a', '2')]],
    ['put and deleted by range', [put('ab', '2'), remove('a', prefixEnd('a'))]],
  ])('a key %s in one transaction is refused whole', (_name, operations) => {
    write(put('a', '0'));
    expect(write(put('z', '1'), ...operations)).toMatchObject({ refused: 'duplicateKey', succeeded: false });
    expect(store.get('z')).toBeUndefined();
    expect(text(store.get('a'))).toBe('0');
  });

  it('a range deletion is one revision and names what was there', () => {
    write(put('a/1', '1'), put('a/2', '2'), put('b', '3'));
    const { result, events } = applyFull(txnOf(remove('a/', prefixEnd('a/'))));
    expect(result.results[0]).toMatchObject({ type: 'delete', previous: [{ key: 'a/1' }, { key: 'a/2' }] });
    expect(events.map((e) => [e.type, e.keyValue.key, e.keyValue.modRevision, e.keyValue.version])).toEqual([
      ['delete', 'a/1', 3, 0],
      ['delete', 'a/2', 3, 0],
    ]);
    expect(store.range({ start: '', end: unboundedEnd }).keyValues.map((kv) => kv.key)).toEqual(['b']);
  });

  it('a fenced command is refused under any other term', () => {
    const body: Body = { type: 'txn', fence: 4, compare: [], success: [put('a', '1')], failure: [] };
    expect(apply(body, undefined, 5)).toMatchObject({ refused: 'fenced', revision: 1 });
    expect(apply(body, undefined, 3)).toMatchObject({ refused: 'fenced', revision: 1 });
    expect(apply(body, undefined, 4)).toMatchObject({ succeeded: true, revision: 2 });
  });
});

describe('stored bytes', () => {
  it('carry their own revision where a slot is given, and are untouched around it', () => {
    const value = '{"metadata":{"resourceVersion":                  ,"name":"x"}}';
    const stampOffset = value.indexOf(' ');
    write({ type: 'put', key: 'a', value: bytes(value), stampOffset });
    const stored = text(store.get('a'))!;
    expect(stored).toBe('{"metadata":{"resourceVersion":"2"               ,"name":"x"}}');
    expect(JSON.parse(stored)).toEqual({ metadata: { resourceVersion: '2', name: 'x' } });
  });

  it('are a copy of their own: they neither pin nor follow the frame that brought them', () => {
    const command = encodeCommand({
      type: 'txn',
      id: { session: 1, sequence: 1, answeredBelow: 1 },
      compare: [],
      success: [put('a', 'value')],
      failure: [],
    });
    const frame = new Uint8Array(1 << 20);
    frame.set(command, 1000);
    store.apply(1, 1, frame.subarray(1000, 1000 + command.length));
    frame.fill(0);
    expect(text(store.get('a'))).toBe('value');
    expect(store.get('a')!.value.buffer.byteLength).toBe(5);
  });
});

describe('history', () => {
  it('a list can be continued at an old revision while keys come, change and go', () => {
    write(put('p/a', '1'), put('p/b', '1'), put('p/c', '1'), put('p/d', '1'));
    const revision = store.revision;
    write(put('p/b', '2'), put('p/aa', 'new'), remove('p/c'));
    write(remove('p/d'));
    write(put('p/d', 'again'));
    const first = store.range({ start: 'p/', end: prefixEnd('p/'), limit: 2, revision, count: true });
    expect(first.keyValues.map((kv) => [kv.key, text(kv)])).toEqual([
      ['p/a', '1'],
      ['p/b', '1'],
    ]);
    expect(first).toMatchObject({ more: true, count: 4, revision });
    const rest = store.range({ start: 'p/b\0', end: prefixEnd('p/'), revision });
    expect(rest.keyValues.map((kv) => [kv.key, text(kv)])).toEqual([
      ['p/c', '1'],
      ['p/d', '1'],
    ]);
    expect(rest.more).toBe(false);
  });

  it('below the compacted revision nothing can be read or watched, from it on everything', () => {
    write(put('a', '1')); // 2
    write(put('a', '2')); // 3
    write(remove('a')); // 4
    write(put('a', '3')); // 5
    expect(apply({ type: 'compact', revision: asRevision(4) }).succeeded).toBe(true);
    store.sweep(1000);
    expect(store.compactedRevision).toBe(4);
    expect(() => store.get('a', asRevision(3))).toThrow(CompactedError);
    expect(() => store.range({ start: 'a', revision: asRevision(3) })).toThrow(
      expect.objectContaining({ firstAvailable: 4 }),
    );
    expect(() => store.eventsSince(asRevision(3), 'a')).toThrow(CompactedError);
    expect(store.get('a', asRevision(4))).toBeUndefined();
    // A delete at the compacted revision itself is still seen by who watches from there.
    expect(store.eventsSince(asRevision(4), 'a').map((e) => e.type)).toEqual(['delete', 'put']);
  });

  it('the future cannot be read, and a compaction goes neither there nor back', () => {
    write(put('a', '1'));
    expect(() => store.get('a', asRevision(3))).toThrow(FutureRevisionError);
    expect(apply({ type: 'compact', revision: asRevision(3) }).refused).toBe('futureRevision');
    expect(apply({ type: 'compact', revision: asRevision(2) }).refused).toBeUndefined();
    expect(apply({ type: 'compact', revision: asRevision(2) }).refused).toBe('compacted');
    expect(store.compactedRevision).toBe(2);
  });

  it('events come oldest first, from the revision asked for, of the range asked for', () => {
    for (let i = 0; i < 2000; i++) write(put(`${i % 2 ? 'x' : 'y'}/${i}`, ''));
    const events = store.eventsSince(asRevision(1995), 'x/', prefixEnd('x/'));
    expect(events.map((e) => e.keyValue.modRevision)).toEqual([1995, 1997, 1999, 2001]);
    expect(store.eventsSince(asRevision(2002), '', unboundedEnd)).toEqual([]);
    expect(store.eventsSince(asRevision(0), '', unboundedEnd)).toHaveLength(2000);
  });

  it('compacted history gives its bytes back, in small steps, without being asked', () => {
    for (let i = 0; i < 500; i++) write(put('a', 'x'.repeat(1000)));
    const full = store.sizeBytes;
    apply({ type: 'compact', revision: store.revision });
    expect(store.sizeBytes).toBeGreaterThan(full * 0.8);
    for (let i = 0; i < 10; i++) write({ type: 'get', key: 'a' });
    expect(store.sizeBytes).toBeLessThan(full * 0.01);
    expect(store.sweep(1)).toBe(false);
    expect(store.inUseBytes).toBeLessThanOrEqual(store.sizeBytes);
    write(remove('a'));
    expect(store.inUseBytes).toBe(0);
  });
});

describe('leases', () => {
  it('a revoked lease takes its keys with it, in one revision and in key order', () => {
    apply({ type: 'leaseGrant', lease: 9, ttlSeconds: 30 });
    write(put('b', '1', 9), put('a', '1', 9), put('c', '1'));
    write(put('moved', '1', 9));
    write(put('moved', '2'));
    expect([...store.leases()[0]!.keys].sort()).toEqual(['a', 'b']);
    const { result, events } = applyFull({ type: 'leaseRevoke', lease: 9 });
    expect(result).toMatchObject({ succeeded: true, revision: 5 });
    expect(events.map((e) => [e.keyValue.key, e.keyValue.modRevision])).toEqual([
      ['a', 5],
      ['b', 5],
    ]);
    expect(store.leases()).toEqual([]);
    expect(store.get('moved')).toBeDefined();
  });

  it('a lease without keys ends without a revision', () => {
    apply({ type: 'leaseGrant', lease: 9, ttlSeconds: 30 });
    expect(apply({ type: 'leaseRevoke', lease: 9 }).revision).toBe(1);
  });

  it('an expiry that was overtaken by a keep-alive is refused', () => {
    apply({ type: 'leaseGrant', lease: 9, ttlSeconds: 30 });
    expect(apply({ type: 'leaseRenew', lease: 9 }).succeeded).toBe(true);
    expect(apply({ type: 'leaseRevoke', lease: 9, ifRenewal: 0 }).refused).toBe('leaseRenewed');
    expect(apply({ type: 'leaseRevoke', lease: 9, ifRenewal: 1 }).succeeded).toBe(true);
  });

  it('what names no lease, or a taken one, is refused without a change', () => {
    expect(write(put('a', '1', 5))).toMatchObject({ refused: 'leaseNotFound', revision: 1 });
    expect(store.get('a')).toBeUndefined();
    expect(apply({ type: 'leaseRenew', lease: 5 }).refused).toBe('leaseNotFound');
    expect(apply({ type: 'leaseRevoke', lease: 5 }).refused).toBe('leaseNotFound');
    apply({ type: 'leaseGrant', lease: 5, ttlSeconds: 1 });
    expect(apply({ type: 'leaseGrant', lease: 5, ttlSeconds: 1 }).refused).toBe('leaseExists');
  });
});

describe('exactly once', () => {
  const increment = (session: number, sequence: number, answeredBelow = 1): CommandResult =>
    apply(txnOf(put(`s${session}`, String(sequence))), { session, sequence, answeredBelow });

  it('a command that comes again is not applied again and gets the answer of the first time', () => {
    const first = increment(1, 1);
    increment(1, 2);
    const { result, events } = applyFull(txnOf(put('s1', 'again')), {
      session: 1,
      sequence: 1,
      answeredBelow: 1,
    });
    expect(first).toMatchObject({ revision: 2, repeated: false });
    expect(result).toMatchObject({ revision: 2, succeeded: true, repeated: true });
    expect(events).toEqual([]);
    expect(text(store.get('s1'))).toBe('2');
  });

  it('a refusal is remembered as well', () => {
    const body: Body = { type: 'txn', fence: 4, compare: [], success: [put('a', '1')], failure: [] };
    const id = { session: 1, sequence: 1, answeredBelow: 1 };
    expect(apply(body, id, 5).refused).toBe('fenced');
    expect(apply(body, id, 4)).toMatchObject({ refused: 'fenced', repeated: true });
    expect(store.get('a')).toBeUndefined();
  });

  it('commands of a session may overtake each other', () => {
    expect(increment(1, 3).refused).toBeUndefined();
    expect(increment(1, 1).refused).toBeUndefined();
    expect(increment(1, 2).refused).toBeUndefined();
    expect(increment(1, 3).repeated).toBe(true);
  });

  it('what was answered is forgotten and never applied again', () => {
    increment(1, 1);
    increment(1, 2, 2);
    expect(increment(1, 1)).toMatchObject({ refused: 'sessionExpired' });
    expect(text(store.get('s1'))).toBe('2');
    increment(1, 1_000_000, 1_000_000);
    expect(increment(1, 500_000)).toMatchObject({ refused: 'sessionExpired' });
  });

  it('a command of an evicted session is refused rather than risk a second application', () => {
    for (let session = 1; session <= maxSessions; session++) increment(session, 1);
    increment(1, 2); // Session 2 is now the least recently used.
    increment(1000, 1);
    expect(increment(1, 1).repeated).toBe(true);
    expect(increment(2, 1)).toMatchObject({ refused: 'sessionExpired', repeated: false });
    expect(increment(2, 2)).toMatchObject({ refused: 'sessionExpired' });
    expect(text(store.get('s2'))).toBe('1');
    expect(increment(3, 2).refused).toBeUndefined();
  });

  it('remembers a bounded number of evicted sessions and of unanswered results', () => {
    const sessions = maxSessions + maxEvictedSessions + 1;
    for (let session = 1; session <= sessions; session++) increment(session, 1);
    expect(increment(2, 1).refused).toBe('sessionExpired');
    // The one bound of the guarantee: after so many evictions, session 1 cannot be told from a new one.
    expect(increment(1, 1).refused).toBeUndefined();
    for (let s = 2; s <= maxResultsPerSession + 10; s++) increment(1, s);
    expect(increment(1, 2).refused).toBe('sessionExpired');
    expect(increment(1, maxResultsPerSession).repeated).toBe(true);
  });
});
