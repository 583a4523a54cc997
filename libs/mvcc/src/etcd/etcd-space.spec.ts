import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCommand, encodeCommand } from '../command-codec.js';
import { CompactedError, FutureRevisionError } from '../errors.js';
import { createStore, restoreStore } from '../store.js';
import type { CommandResult, Store, StoreEvent } from '../types.js';
import { asRevision } from '../types.js';
import type { EtcdCompare, EtcdOperation, EtcdPut, EtcdRange, EtcdTxn } from './types.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const text = (value: Uint8Array): string => Buffer.from(value).toString('latin1');
const put = (key: string, value: string, more: Partial<EtcdPut> = {}): EtcdPut => ({
  type: 'put',
  key,
  value: bytes(value),
  ...more,
});
const range = (key: string, end?: string, more: Partial<EtcdRange> = {}): EtcdRange => ({
  type: 'range',
  key,
  ...(end === undefined ? {} : { end }),
  ...more,
});
const txn = (
  success: readonly EtcdOperation[],
  compare: readonly EtcdCompare[] = [],
  failure: readonly EtcdOperation[] = [],
): EtcdTxn => ({ type: 'txn', compare, success, failure });

type Body = Parameters<typeof encodeCommand>[0] extends infer C
  ? C extends { readonly id: unknown }
    ? Omit<C, 'id'>
    : never
  : never;

class Driver {
  events: readonly StoreEvent[] = [];
  private sequence = 0;
  constructor(readonly store: Store = createStore()) {}

  run(body: Body, sequence = ++this.sequence): CommandResult {
    const command = { ...body, id: { session: 1, sequence, answeredBelow: 0 } } as Parameters<
      typeof encodeCommand
    >[0];
    const applied = this.store.apply(this.store.appliedIndex + 1, 1, encodeCommand(command))!;
    this.events = applied.events;
    return applied.result;
  }

  txn(request: EtcdTxn): CommandResult {
    return this.run({ type: 'etcdTxn', txn: request });
  }

  put(key: string, value: string, more: Partial<EtcdPut> = {}): CommandResult {
    return this.txn(txn([put(key, value, more)]));
  }

  keys(request: EtcdRange): string[] {
    return this.store.etcd.range(request).keyValues.map(({ key }) => key);
  }
}

describe('the two spaces', () => {
  it('share nothing but the log: keys, revisions, compaction and leases are apart', () => {
    const driver = new Driver();
    driver.run({ type: 'leaseGrant', space: 'etcd', lease: 7, ttlSeconds: 5 });
    driver.put('/a', 'etcd', { lease: 7 });
    driver.put('/b', 'etcd');
    driver.run({ type: 'compact', space: 'etcd', revision: asRevision(3) });
    const { store } = driver;
    expect([store.revision, store.compactedRevision, store.keyCount]).toEqual([1, 0, 0]);
    expect(store.get('/a')).toBeUndefined();
    expect(store.leases()).toEqual([]);
    expect([store.etcd.revision, store.etcd.compactedRevision, store.etcd.keyCount]).toEqual([3, 3, 2]);
    expect([...store.etcd.lease(7)!.keys]).toEqual(['/a']);
    const compare = [] as const;
    driver.run({
      type: 'txn',
      compare,
      success: [{ type: 'put', key: '/a', value: bytes('k8s') }],
      failure: [],
    });
    expect(text(store.get('/a')!.value)).toBe('k8s');
    expect(store.etcd.range(range('/a')).keyValues.map(({ value }) => text(value))).toEqual(['etcd']);
    driver.run({ type: 'leaseRevoke', space: 'etcd', lease: 7 });
    expect(driver.keys(range('/', '0'))).toEqual(['/b']);
    expect(store.get('/a')).toBeDefined();
  });

  it('survive a snapshot, history and leases included, with the same hash', () => {
    const driver = new Driver();
    driver.run({ type: 'leaseGrant', space: 'etcd', lease: 9, ttlSeconds: 60 });
    for (let i = 0; i < 50; i++) driver.put(`k${i % 7}`, `v${i}`, { lease: i % 2 === 0 ? 9 : 0 });
    driver.run({ type: 'compact', space: 'etcd', revision: asRevision(20) });
    const restored = restoreStore(driver.store.snapshot());
    expect(restored.hash()).toBe(driver.store.hash());
    expect(restored.etcd.hash()).toBe(driver.store.etcd.hash());
    expect(restored.etcd.hash(25)).toBe(driver.store.etcd.hash(25));
    expect(restored.etcd.eventsSince(asRevision(20), 'k0', 'l')).toEqual(
      driver.store.etcd.eventsSince(asRevision(20), 'k0', 'l'),
    );
    expect([...restored.etcd.lease(9)!.keys].sort()).toEqual([...driver.store.etcd.lease(9)!.keys].sort());
    expect(() => restored.etcd.range(range('k0', 'l', { revision: 19 }))).toThrow(CompactedError);
  });

  it('apply a repeated command once', () => {
    const driver = new Driver();
    const body: Body = { type: 'etcdTxn', txn: txn([put('a', '1')]) };
    expect(driver.run(body, 1).etcd).toBeDefined();
    const again = driver.run(body, 1);
    expect([again.repeated, again.etcd, driver.store.etcd.revision]).toEqual([true, undefined, 2]);
  });
});

describe('ranges', () => {
  const driver = new Driver();
  for (const [key, value] of ['b:3', 'a:2', 'c:1', 'a:9'].map((pair) => pair.split(':'))) {
    driver.put(key!, value!);
  }

  it('order by any target before they cut', () => {
    const sorted = (target: NonNullable<EtcdRange['sort']>['target'], descending = false): string =>
      driver.keys(range('a', 'z', { sort: { target, descending } })).join('');
    expect(sorted('key', true)).toBe('cba');
    expect(sorted('value')).toBe('cba');
    expect(sorted('version', true)[0]).toBe('a');
    expect(sorted('createRevision')).toBe('bac');
    expect(sorted('modRevision')).toBe('bca');
    const cut = driver.store.etcd.range(
      range('a', 'z', { sort: { target: 'modRevision', descending: true }, limit: 1 }),
    );
    expect([cut.keyValues[0]!.key, cut.more, cut.count]).toEqual(['a', true, 3]);
  });

  it('hide by revisions, and count all the same', () => {
    const shown = driver.store.etcd.range(range('a', 'z', { minModRevision: 4, maxModRevision: 4 }));
    expect([shown.keyValues.map(({ key }) => key), shown.count, shown.more]).toEqual([['c'], 3, false]);
    expect(driver.keys(range('a', 'z', { maxCreateRevision: 3 }))).toEqual(['a', 'b']);
    expect(driver.keys(range('a', 'z', { minCreateRevision: 4 }))).toEqual(['c']);
  });

  it('read the past, keys alone, and counts alone', () => {
    const past = driver.store.etcd.range(range('a', undefined, { revision: 3 }));
    expect([text(past.keyValues[0]!.value), past.revision]).toEqual(['2', 5]);
    expect(driver.store.etcd.range(range('a', 'z', { keysOnly: true })).keyValues[0]!.value.length).toBe(0);
    const counted = driver.store.etcd.range(range('a', '\0', { countOnly: true }));
    expect([counted.keyValues, counted.count]).toEqual([[], 3]);
    expect(driver.keys(range('z', 'a'))).toEqual([]);
    expect(driver.keys(range('\0', '\0'))).toEqual(['a', 'b', 'c']);
    expect(() => driver.store.etcd.range(range('a', undefined, { revision: 99 }))).toThrow(
      FutureRevisionError,
    );
  });

  it('order keys by their bytes', () => {
    const other = new Driver();
    for (const key of ['\u00ff', '\u007f', '\u0080', 'a']) other.put(key, '');
    expect(other.keys(range('\0', '\0'))).toEqual(['a', '\u007f', '\u0080', '\u00ff']);
  });
});

describe('transactions', () => {
  const compare = (
    key: string,
    target: EtcdCompare['target'],
    operator: EtcdCompare['operator'],
    operand: number | string,
    end?: string,
  ): EtcdCompare => ({
    key,
    ...(end === undefined ? {} : { end }),
    target,
    operator,
    operand: typeof operand === 'number' ? operand : bytes(operand),
  });

  it('judge every target, over one key and over ranges', () => {
    const driver = new Driver();
    driver.run({ type: 'leaseGrant', space: 'etcd', lease: 5, ttlSeconds: 5 });
    driver.put('a', '1', { lease: 5 });
    driver.put('b', '2');
    driver.put('b', '3');
    const holds = (...compares: EtcdCompare[]): boolean =>
      driver.store.etcd.read(txn([], compares)).succeeded;
    expect(holds(compare('a', 'lease', '=', 5), compare('b', 'version', '=', 2))).toBe(true);
    expect(holds(compare('a', 'createRevision', '=', 2), compare('b', 'modRevision', '>', 3))).toBe(true);
    expect(holds(compare('a', 'value', '<', '2', 'c'))).toBe(false);
    expect(holds(compare('a', 'value', '!=', '2', 'c'))).toBe(true);
    expect(holds(compare('x', 'modRevision', '=', 0), compare('x', 'version', '>', -1))).toBe(true);
    expect(holds(compare('x', 'createRevision', '=', 0, 'z'))).toBe(true);
    expect(holds(compare('x', 'value', '!=', '1'))).toBe(false);
  });

  it('write at one revision, see their own writes, and take nested branches by the state before', () => {
    const driver = new Driver();
    driver.put('a', 'old');
    const absent = compare('new', 'version', '=', 0);
    const result = driver.txn(
      txn([
        put('a', 'new', { previous: true }),
        range('a'),
        txn([put('new', '1')], [absent], [put('never', '1')]),
        { type: 'deleteRange', key: 'x', end: 'z', previous: true },
        range('a', undefined, { revision: 2 }),
      ]),
    );
    const [first, second, third, fourth, fifth] = result.etcd!.results;
    expect([result.revision, driver.events.map(({ keyValue }) => keyValue.modRevision)]).toEqual([3, [3, 3]]);
    expect(first).toMatchObject({ type: 'put', previous: { key: 'a', modRevision: 2 }, revision: 3 });
    expect(second).toMatchObject({ keyValues: [{ modRevision: 3, version: 2 }], revision: 3 });
    expect(third).toMatchObject({ type: 'txn', succeeded: true });
    expect(fourth).toMatchObject({ type: 'deleteRange', deleted: 0 });
    expect(fifth).toMatchObject({ keyValues: [{ modRevision: 2 }] });
    expect(driver.keys(range('\0', '\0'))).toEqual(['a', 'new']);
  });

  it('are refused whole where a key would be written twice', () => {
    const driver = new Driver();
    const twice: readonly (readonly EtcdOperation[])[] = [
      [put('a', '1'), put('a', '2')],
      [put('b', '1'), { type: 'deleteRange', key: 'a', end: 'c' }],
      [put('a', '1'), txn([], [], [put('a', '2')])],
      [txn([put('a', '1')]), txn([put('a', '1')])],
      [{ type: 'deleteRange', key: 'a' }, txn([put('a', '1')])],
      [put('a', '1'), txn([{ type: 'deleteRange', key: 'a', end: '\0' }])],
    ];
    for (const operations of twice) {
      expect(driver.txn(txn(operations)).refused).toBe('duplicateKey');
      expect(driver.txn(txn([], [], operations)).refused).toBe('duplicateKey');
    }
    const exclusive = txn([put('a', '1')], [], [put('a', '2')]);
    expect(driver.txn(txn([exclusive])).refused).toBeUndefined();
    const deletes: EtcdOperation = { type: 'deleteRange', key: 'a', end: 'c' };
    expect(driver.txn(txn([deletes, deletes])).refused).toBeUndefined();
  });

  it('are refused without effect for leases, keys and revisions that are not there', () => {
    const driver = new Driver();
    const before = put('a', '1');
    const cases: readonly [EtcdOperation, CommandResult['refused']][] = [
      [put('b', '1', { lease: 4 }), 'leaseNotFound'],
      [put('b', '', { ignoreValue: true }), 'keyNotFound'],
      [put('b', '1', { ignoreLease: true }), 'keyNotFound'],
      [range('a', undefined, { revision: 9 }), 'futureRevision'],
    ];
    for (const [operation, refused] of cases) {
      expect(driver.txn(txn([before, operation])).refused).toBe(refused);
    }
    expect(driver.store.etcd.revision).toBe(1);
  });

  it('keep value or lease where a put says so', () => {
    const driver = new Driver();
    driver.run({ type: 'leaseGrant', space: 'etcd', lease: 3, ttlSeconds: 5 });
    driver.put('a', 'kept', { lease: 3 });
    driver.put('a', 'new', { ignoreLease: true });
    expect(driver.store.etcd.range(range('a')).keyValues[0]).toMatchObject({ lease: 3, version: 2 });
    driver.put('a', '', { ignoreValue: true });
    const kept = driver.store.etcd.range(range('a')).keyValues[0]!;
    expect([text(kept.value), kept.lease]).toEqual(['new', 0]);
    expect([...driver.store.etcd.lease(3)!.keys]).toEqual([]);
  });
});

describe('the codec', () => {
  const key = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
    minLength: 1,
    maxLength: 9,
  });
  const value = fc.uint8Array({ maxLength: 20 });
  const flag = fc.boolean();
  const number = fc.nat();
  const operation: fc.Arbitrary<EtcdOperation> = fc.letrec<{ op: EtcdOperation; txn: EtcdTxn }>((tie) => ({
    op: fc.oneof(
      { maxDepth: 3 },
      fc.record({
        type: fc.constant('put' as const),
        key,
        value,
        lease: number,
        previous: flag,
        ignoreValue: flag,
        ignoreLease: flag,
      }),
      fc.record({ type: fc.constant('deleteRange' as const), key, end: key, previous: flag }),
      fc.record({
        type: fc.constant('range' as const),
        key,
        limit: number,
        revision: number,
        sort: fc.record({ target: fc.constantFrom('key' as const, 'value' as const), descending: flag }),
        keysOnly: flag,
        countOnly: flag,
        minModRevision: number,
        maxCreateRevision: number,
      }),
      tie('txn'),
    ),
    txn: fc.record({
      type: fc.constant('txn' as const),
      compare: fc.array(
        fc.oneof(
          fc.record({
            key,
            end: key,
            target: fc.constant('version' as const),
            operator: fc.constantFrom('=' as const, '!=' as const),
            operand: fc.integer(),
          }),
          fc.record({
            key,
            target: fc.constant('value' as const),
            operator: fc.constantFrom('<' as const, '>' as const),
            operand: value,
          }),
        ),
        { maxLength: 3 },
      ),
      success: fc.array(tie('op'), { maxLength: 3 }),
      failure: fc.array(tie('op'), { maxLength: 3 }),
    }),
  })).op;

  it('gives back every transaction', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 4 }), (success) => {
        const command = {
          type: 'etcdTxn' as const,
          id: { session: 1, sequence: 2, answeredBelow: 1 },
          txn: txn(success),
        };
        expect(decodeCommand(encodeCommand(command))).toEqual(command);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses nesting without end, on both ways', () => {
    let nested = txn([]);
    for (let i = 0; i < 20; i++) nested = txn([nested]);
    const id = { session: 1, sequence: 1, answeredBelow: 1 };
    expect(() => encodeCommand({ type: 'etcdTxn', id, txn: nested })).toThrow(RangeError);
  });
});
