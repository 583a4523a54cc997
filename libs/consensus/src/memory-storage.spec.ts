import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asRevision, prefixEnd, unboundedEnd } from '#libs/mvcc';
import { createMemoryStorage } from './memory-storage.js';
import type { MemoryStorage } from './memory-storage.js';
import { StorageError } from './storage.js';
import type { Leadership, Operation, StoreEvent, TxnResult, WatchRequest } from './storage.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (key: string, value = '', lease?: number): Operation => ({
  type: 'put',
  key,
  value: bytes(value),
  lease,
});
const pods: WatchRequest = { start: 'pods/', end: prefixEnd('pods/') };

let nowMs = 0;
let storage: MemoryStorage;
let listenerErrors: unknown[];

beforeEach(() => {
  nowMs = 0;
  listenerErrors = [];
  storage = createMemoryStorage({
    name: 'a',
    clock: { nowMs: () => nowMs, every: () => () => undefined },
    onListenerError: (error) => listenerErrors.push(error),
  });
});
afterEach(() => storage.close());

const write = (...success: Operation[]): Promise<TxnResult> => storage.txn({ compare: [], success });

/** Collects the calls of one watcher: keys and revision of each. */
function record(request: WatchRequest): { calls: [string[], number][]; close: () => void } {
  const calls: [string[], number][] = [];
  const name = (e: StoreEvent): string => `${e.type} ${e.keyValue.key}@${e.keyValue.modRevision}`;
  const watcher = storage.watch(request, (events, revision) => calls.push([events.map(name), revision]));
  return { calls, close: () => watcher.close() };
}

describe('writes and reads', () => {
  it('a write that resolved is read at once, and compares against what is there', async () => {
    const created = await storage.txn({
      compare: [{ key: 'a', target: 'modRevision', operator: '=', operand: 0 }],
      success: [put('a', '1')],
      failure: [{ type: 'get', key: 'a' }],
    });
    expect(created).toMatchObject({ succeeded: true, revision: 2 });
    expect(storage.get('a')).toMatchObject({ modRevision: 2 });
    const again = await storage.txn({
      compare: [{ key: 'a', target: 'modRevision', operator: '=', operand: 0 }],
      success: [put('a', '2')],
      failure: [{ type: 'get', key: 'a' }],
    });
    expect(again).toMatchObject({ succeeded: false, revision: 2, results: [{ type: 'get', count: 1 }] });
    expect(storage.revision).toBe(2);
  });

  it('a list at a compacted revision says from where one can read', async () => {
    await write(put('a'));
    await write(put('a'));
    storage.compact(asRevision(3));
    expect(storage.compactRevision).toBe(3);
    expect(() => storage.range({ start: 'a', revision: asRevision(2) })).toThrow(
      expect.objectContaining({ code: 'Compacted', firstAvailable: 3 }),
    );
    expect(() => storage.watch({ ...pods, fromRevision: asRevision(2) }, () => undefined)).toThrow(
      expect.objectContaining({ code: 'Compacted', firstAvailable: 3 }),
    );
  });

  it('a faulty request fails alone: the others of its batch take effect', async () => {
    const results = await Promise.allSettled([
      write(put('a')),
      write(put('b'), put('b')),
      write({ type: 'put', key: 'c', value: bytes('x'), stampOffset: 0 }),
      write(put('d')),
    ]);
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(storage.range({ start: '', end: unboundedEnd }).keyValues.map((kv) => kv.key)).toEqual(['a', 'd']);
  });
});

describe('watches', () => {
  it('get what is applied from now on in their range, a batch a call, and nothing after close', async () => {
    await write(put('pods/0'));
    const watched = record(pods);
    await Promise.all([
      write(put('pods/1'), put('pods/2')),
      write(put('nodes/1')),
      write({ type: 'delete', key: 'pods/1' }),
    ]);
    expect(watched.calls).toEqual([[['put pods/1@3', 'put pods/2@3', 'delete pods/1@5'], 5]]);
    watched.close();
    await write(put('pods/3'));
    expect(watched.calls).toHaveLength(1);
  });

  it('from a revision get the past first, and neither skip nor repeat where it meets the present', async () => {
    await write(put('pods/1')); // 2
    await write(put('pods/2')); // 3
    const first = record({ ...pods, fromRevision: asRevision(3) });
    const future = record({ ...pods, fromRevision: asRevision(5) });
    await Promise.all([write(put('pods/3')), write(put('pods/4'))]);
    await write(put('pods/5'));
    expect(first.calls).toEqual([
      [['put pods/2@3'], 3],
      [['put pods/3@4', 'put pods/4@5'], 5],
      [['put pods/5@6'], 6],
    ]);
    expect(future.calls).toEqual([
      [['put pods/4@5'], 5],
      [['put pods/5@6'], 6],
    ]);
  });

  it('overlapping ranges and single keys each get exactly their own', async () => {
    const requests: WatchRequest[] = [
      { start: '', end: unboundedEnd },
      pods,
      { start: 'pods/b/', end: prefixEnd('pods/b/') },
      { start: 'pods/b/1' },
      { start: 'pods/a', end: 'pods/b/1' },
      { start: 'x', end: 'a' },
    ];
    const watched = requests.map((request) => record(request));
    const keys = ['nodes/1', 'pods/a/1', 'pods/b/1', 'pods/b/10', 'pods/c/1', 'z'];
    for (const key of keys) await write(put(key));
    const seen = watched.map(({ calls }) =>
      calls.flatMap(([names]) => names.map((n) => n.slice(4).split('@')[0])),
    );
    expect(seen).toEqual([
      keys,
      ['pods/a/1', 'pods/b/1', 'pods/b/10', 'pods/c/1'],
      ['pods/b/1', 'pods/b/10'],
      ['pods/b/1'],
      ['pods/a/1'],
      [],
    ]);
    // Closing in any order leaves the others as they were.
    watched[1]!.close();
    watched[4]!.close();
    await write(put('pods/b/1'));
    expect(watched.map(({ calls }) => calls.at(-1)?.[1])).toEqual([8, 6, 8, 8, 3, undefined]);
  });

  it('hear of progress when the store advances without them', async () => {
    const watched = record(pods);
    await write(put('nodes/1'));
    storage.tick();
    storage.tick();
    expect(watched.calls).toEqual([[[], 2]]);
  });

  it('a listener that throws loses its watch and harms no other', async () => {
    const fault = new Error('fault of a listener');
    let calls = 0;
    storage.watch(pods, () => {
      calls++;
      throw fault;
    });
    const watched = record(pods);
    await write(put('pods/1'));
    await write(put('pods/2'));
    expect(calls).toBe(1);
    expect(listenerErrors).toEqual([fault]);
    expect(watched.calls).toHaveLength(2);
  });

  it('a listener may write and watch: both concern what comes after', async () => {
    const inner: string[] = [];
    let writing: Promise<TxnResult> | undefined;
    storage.watch(pods, () => {
      if (writing !== undefined) return;
      storage.watch(pods, (events) => inner.push(...events.map((e) => e.keyValue.key)));
      writing = write(put('pods/2'));
    });
    await write(put('pods/1'));
    await writing;
    expect(inner).toEqual(['pods/2']);
  });
});

describe('leases', () => {
  it('expire by the clock unless renewed, and take their keys with them', async () => {
    const lease = await storage.grantLease(10);
    await write(put('pods/1', '', lease));
    const watched = record(pods);
    storage.tick();
    nowMs = 9_000;
    await storage.renewLease(lease);
    storage.tick();
    nowMs = 18_999;
    storage.tick();
    expect(storage.get('pods/1')).toBeDefined();
    nowMs = 19_000;
    storage.tick();
    expect(storage.get('pods/1')).toBeUndefined();
    expect(watched.calls).toEqual([[['delete pods/1@3'], 3]]);
    await expect(storage.renewLease(lease)).rejects.toMatchObject({ code: 'LeaseNotFound' });
  });

  it('start anew under a new leader and do not run out under none', async () => {
    const lease = await storage.grantLease(10);
    await write(put('a', '', lease));
    storage.tick();
    storage.setLeadership({ isLeader: false, term: 2, leader: 'b' });
    nowMs = 60_000;
    storage.tick();
    storage.setLeadership({ isLeader: true, term: 3, leader: 'a' });
    storage.tick();
    expect(storage.get('a')).toBeDefined();
    nowMs = 70_000;
    storage.tick();
    expect(storage.get('a')).toBeUndefined();
  });

  it('a revoked lease ends at once', async () => {
    const lease = await storage.grantLease(10);
    await write(put('a', '', lease));
    await storage.revokeLease(lease);
    expect(storage.get('a')).toBeUndefined();
  });
});

describe('leadership and failure', () => {
  it('is told at once and at each change, until unsubscribed', () => {
    const seen: Leadership[] = [];
    const stop = storage.onLeadership((leadership) => seen.push(leadership));
    storage.setLeadership({ isLeader: false, term: 2, leader: 'b' });
    stop();
    storage.setLeadership({ isLeader: true, term: 3, leader: 'a' });
    expect(seen.map((l) => [l.term, l.isLeader])).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(storage.status()).toMatchObject({ name: 'a', quorum: true, leadership: { term: 3 } });
  });

  it('a write fenced by a term that no longer rules is refused without effect', async () => {
    expect(await storage.txn({ compare: [], success: [put('a')] }, { fence: 1 })).toMatchObject({
      succeeded: true,
    });
    storage.setLeadership({ isLeader: false, term: 2, leader: 'b' });
    const late = storage.txn({ compare: [], success: [put('b')] }, { fence: 1 });
    await expect(late).rejects.toMatchObject({ code: 'Fenced' });
    expect(storage.get('b')).toBeUndefined();
    await write(put('c'));
    expect(storage.get('c')).toBeDefined();
  });

  it('without a leader, and when made to fail, writes and barriers reject; reads go on', async () => {
    await write(put('a'));
    storage.setLeadership({ isLeader: false, term: 1, leader: undefined });
    await expect(write(put('b'))).rejects.toMatchObject({ code: 'NoQuorum' });
    await expect(storage.barrier()).rejects.toMatchObject({ code: 'NoQuorum' });
    expect(storage.get('a')).toBeDefined();
    storage.setLeadership({ isLeader: true, term: 2, leader: 'a' });
    storage.failWith('write', new StorageError('Timeout', 'slow disk'));
    await expect(write(put('b'))).rejects.toMatchObject({ code: 'Timeout' });
    await storage.barrier();
    storage.failWith('write', undefined);
    await write(put('b'));
    expect(storage.get('b')).toMatchObject({ modRevision: 3 });
  });

  it('once closed, everything that would wait is refused, what was pending included', async () => {
    const pending = write(put('a'));
    await storage.close();
    await expect(pending).rejects.toMatchObject({ code: 'Stopped' });
    await expect(write(put('b'))).rejects.toMatchObject({ code: 'Stopped' });
    await expect(storage.barrier()).rejects.toMatchObject({ code: 'Stopped' });
    expect(() => storage.watch(pods, () => undefined)).toThrow(expect.objectContaining({ code: 'Stopped' }));
  });
});
