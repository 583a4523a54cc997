import { beforeEach, describe, expect, it } from 'vitest';
import { createStore, encodeCommand, restoreStore } from './index.js';
import type { Command, CommandResult, Store } from './index.js';

type Body<T = Command> = T extends Command ? Omit<T, 'id'> : never;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const putOf = (key: string, text = 'x'): Body => ({
  type: 'txn',
  compare: [],
  success: [{ type: 'put', key, value: bytes(text) }],
  failure: [],
});

let store: Store;
beforeEach(() => {
  store = createStore();
});

function apply(body: Body, to = store): CommandResult {
  const index = to.appliedIndex + 1;
  const id = { session: 1, sequence: index, answeredBelow: index };
  return to.apply(index, 1, encodeCommand({ ...body, id } as Command))!.result;
}
const raise = (member: number): Body => ({ type: 'alarm', action: 'raise', alarm: 'noSpace', member });
const disarm = (member: number): Body => ({ type: 'alarm', action: 'disarm', alarm: 'noSpace', member });

describe('the alarm noSpace', () => {
  it('refuses whatever could put, in either branch and either space, and new leases', () => {
    apply(putOf('a'));
    apply({ type: 'leaseGrant', lease: 7, ttlSeconds: 5 });
    apply(raise(2));
    const value = bytes('y');
    expect(apply(putOf('b')).refused).toBe('noSpace');
    const failing = { type: 'put', key: 'b', value } as const;
    expect(apply({ type: 'txn', compare: [], success: [], failure: [failing] }).refused).toBe('noSpace');
    const nested = { type: 'txn', compare: [], success: [failing], failure: [] } as const;
    const etcdTxn = { type: 'etcdTxn', txn: { compare: [], success: [nested], failure: [] } } as const;
    expect(apply(etcdTxn as never).refused).toBe('noSpace');
    expect(apply({ type: 'leaseGrant', lease: 8, ttlSeconds: 5 }).refused).toBe('noSpace');
    expect(store.get('b')).toBeUndefined();
    expect(store.revision).toBe(2);
  });

  it('lets deletes, compaction and what leases there are go on', () => {
    apply(putOf('a'));
    apply({ type: 'leaseGrant', lease: 7, ttlSeconds: 5 });
    apply(raise(2));
    const remove = {
      type: 'txn',
      compare: [],
      success: [{ type: 'delete', key: 'a' }],
      failure: [],
    } as const;
    expect(apply(remove).succeeded).toBe(true);
    expect(apply({ type: 'leaseRenew', lease: 7 }).succeeded).toBe(true);
    expect(apply({ type: 'leaseRevoke', lease: 7 }).succeeded).toBe(true);
    expect(apply({ type: 'compact', revision: store.revision }).succeeded).toBe(true);
  });

  it('ends when it is disarmed for all that raised it, one by one or at once', () => {
    apply(raise(1));
    apply(raise(2));
    apply(raise(2));
    expect(store.alarms()).toEqual([
      { type: 'noSpace', member: 1 },
      { type: 'noSpace', member: 2 },
    ]);
    apply(disarm(1));
    expect(apply(putOf('a')).refused).toBe('noSpace');
    apply(raise(3));
    apply(disarm(0));
    expect(store.alarms()).toEqual([]);
    expect(apply(putOf('a')).succeeded).toBe(true);
  });
});

describe('a check of hashes', () => {
  const begin = (): number => {
    apply({ type: 'hashCheck', voters: [1, 2, 3] });
    return store.hashCheck.index;
  };
  const report = (check: number, member: number, hash: number): void =>
    void apply({ type: 'hashReport', check, member, hash });
  const corrupt = (): number[] => store.alarms().map(({ member }) => member);

  it('raises the alarm for whoever differs from the majority, in whatever order they report', () => {
    for (const order of [
      [1, 2, 3],
      [3, 1, 2],
      [1, 3, 2],
    ]) {
      store = createStore();
      const check = begin();
      for (const member of order) report(check, member, member === 3 ? 99 : 5);
      expect(corrupt()).toEqual([3]);
      expect(store.alarms()[0]?.type).toBe('corrupt');
    }
  });

  it('judges one that has no vote by the majority of those that have', () => {
    const check = begin();
    report(check, 4, 99);
    report(check, 1, 5);
    expect(corrupt()).toEqual([]);
    report(check, 2, 5);
    expect(corrupt()).toEqual([4]);
  });

  it('raises it for all where no majority agrees', () => {
    const check = begin();
    report(check, 1, 5);
    report(check, 2, 6);
    expect(corrupt()).toEqual([]);
    report(check, 3, 7);
    expect(corrupt()).toEqual([1, 2, 3]);
  });

  it('raises it for all that were heard when two differ and the third stays away', () => {
    const check = begin();
    report(check, 1, 5);
    report(check, 2, 6);
    begin();
    expect(corrupt()).toEqual([1, 2]);
  });

  it('takes silence for no opinion, and late words for none', () => {
    const first = begin();
    report(first, 1, 5);
    const second = begin();
    report(first, 2, 6);
    report(second, 1, 8);
    report(second, 2, 8);
    report(second, 3, 8);
    expect(corrupt()).toEqual([]);
  });

  it('notes a hash that differs where the state differed, even if the log is the same', () => {
    const other = createStore();
    apply(putOf('a', 'one'));
    apply(putOf('a', 'two'), other);
    // From here on both apply the same: only what they find differs.
    for (const each of [store, other]) {
      apply(putOf('a', 'same'), each);
      apply({ type: 'hashCheck', voters: [1] }, each);
    }
    expect(store.hashCheck.hash).not.toBe(other.hashCheck.hash);
    expect(store.hashCheck.index).toBe(other.hashCheck.index);
  });
});

describe('what finds a difference of state alone', () => {
  /** A replica whose memory has come to differ, with its running hash as it was. */
  function damaged(original: Store): Store {
    const copy = restoreStore(original.snapshot());
    const found = copy.get('a');
    if (found === undefined) throw new Error('nothing to damage');
    found.value[0] = found.value[0]! ^ 1;
    return copy;
  }

  it('is the next write of what differs', () => {
    apply(putOf('a', 'value'));
    apply(putOf('b', 'value'));
    const other = damaged(store);
    expect(other.hash()).toBe(store.hash());
    for (const each of [store, other]) apply(putOf('b', 'other'), each);
    expect(other.hash()).toBe(store.hash());
    for (const each of [store, other]) apply(putOf('a', 'other'), each);
    expect(other.hash()).not.toBe(store.hash());
  });
});

describe('alarms and checks', () => {
  it('are part of a snapshot', () => {
    apply(raise(2));
    apply({ type: 'hashCheck', voters: [1, 2, 3] });
    apply({ type: 'hashReport', check: store.hashCheck.index, member: 1, hash: 5 });
    const restored = restoreStore(store.snapshot());
    expect(restored.alarms()).toEqual(store.alarms());
    expect(restored.hashCheck).toEqual(store.hashCheck);
    expect(restored.hash()).toBe(store.hash());
  });
});
