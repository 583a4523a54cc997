import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Redis } from 'ioredis';
import type { StorageError, StoreEvent, TxnRequest, WatchRequest } from '#libs/consensus';
import { asRevision } from '#libs/mvcc';
import { createCertificateAuthority, issueCertificate } from '#libs/pki';
import { openRedisEventStore, type RedisEventStore } from './redis-event-store.js';
import type { RedisEventStoreOptions } from './options.js';
import { keysOf } from './scripts.js';
import { TestRedis } from './testing/redis-server.js';

let redis: TestRedis;
const opened: RedisEventStore[] = [];
let clusters = 0;
let clusterId = '';

beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(() => redis.stop());
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
  clusterId = `c${++clusters}`;
});

const changes: string[] = [];
function open(options: Partial<RedisEventStoreOptions> = {}): RedisEventStore {
  const store = openRedisEventStore({
    url: redis.url,
    clusterId,
    leadership: () => ({ isLeader: true, term: 3, leader: 'm1' }),
    tickMs: 50,
    onChange: (up, detail) => changes.push(`${up ? 'up' : 'away'}: ${detail}`),
    ...options,
  });
  opened.push(store);
  return store;
}

async function openAndWait(options: Partial<RedisEventStoreOptions> = {}): Promise<RedisEventStore> {
  const store = open(options);
  await up(store);
  return store;
}

const up = (store: RedisEventStore): Promise<void> => until('Redis is there', () => store.metrics().up);

async function until(what: string, condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition(), what).toBe(true), { timeout: 20_000, interval: 10 });
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);
const all = { start: '/', end: '0' };

function put(key: string, value: string, modRevision?: number): TxnRequest {
  return {
    compare:
      modRevision === undefined ? [] : [{ key, target: 'modRevision', operator: '=', operand: modRevision }],
    success: [{ type: 'put', key, value: bytes(value) }],
  };
}
const remove = (key: string): TxnRequest => ({ compare: [], success: [{ type: 'delete', key }] });

function watched(store: RedisEventStore, request: WatchRequest = all) {
  const events: StoreEvent[] = [];
  const lost: StorageError[] = [];
  store.watch({ ...request, onLost: (error) => lost.push(error) }, (told) => events.push(...told));
  const seen = () =>
    events.map(({ type, keyValue }) => `${type} ${keyValue.key} ${text(keyValue.value)}`.trim());
  return { seen, lost };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: StorageError) => error.code,
  );
}

describe('the store of Events in Redis', () => {
  it('writes on condition of the revision, tells what was there, and stamps what it stores', async () => {
    const store = await openAndWait();
    const value = bytes(`{"v":${' '.repeat(18)}}`);
    const created = await store.txn({
      compare: [{ key: '/a', target: 'modRevision', operator: '=', operand: 0 }],
      success: [{ type: 'put', key: '/a', value, stampOffset: 5 }],
    });
    expect(created.succeeded).toBe(true);
    expect(text(store.get('/a')?.value)).toBe(`{"v":${`"${created.revision}"`.padEnd(18)}}`);
    expect(await store.txn(put('/a', 'again', 0))).toMatchObject({ succeeded: false, results: [] });
    const { revision, results } = await store.txn(put('/a', '2', created.revision));
    expect(results).toMatchObject([
      {
        keyValue: { createRevision: created.revision, modRevision: revision, version: 2, lease: 0 },
        previous: { modRevision: created.revision },
      },
    ]);
    expect(revision).toBe(created.revision + 1);
    const gone = await store.txn(remove('/a'));
    expect(gone.results).toMatchObject([{ type: 'delete', previous: [{ key: '/a', version: 2 }] }]);
    expect(store.get('/a')).toBeUndefined();
    expect(await store.txn(remove('/a'))).toMatchObject({ succeeded: true, results: [{ previous: [] }] });
  });

  it('what one master wrote all of them see, in one order, and a read behind a barrier misses nothing', async () => {
    const [a, b] = [await openAndWait(), await openAndWait()] as const;
    const told = watched(b);
    for (let i = 0; i < 20; i++) {
      const writer = i % 2 === 0 ? a : b;
      const { revision } = await writer.txn(put(`/k${i}`, String(i)));
      const reader = writer === a ? b : a;
      await reader.barrier();
      expect(reader.revision).toBeGreaterThanOrEqual(revision);
      expect(text(reader.get(`/k${i}`)?.value)).toBe(String(i));
    }
    expect(told.seen()).toEqual(Array.from({ length: 20 }, (_, i) => `put /k${i} ${i}`));
    const page = a.range({ ...all, limit: 5, count: true });
    expect(page).toMatchObject({ count: 20, more: true });
    await a.txn(remove('/k1'));
    expect(a.range({ ...all, revision: page.revision }).keyValues).toHaveLength(20);
    expect(b.range(all).revision).toBeGreaterThanOrEqual(page.revision);
  });

  it('of writers of one key on one revision one wins', async () => {
    const stores = [await openAndWait(), await openAndWait()] as const;
    const { revision } = await stores[0].txn(put('/a', 'old'));
    const attempts = Array.from({ length: 20 }, (_, i) => stores[i % 2]!.txn(put('/a', String(i), revision)));
    const won = (await Promise.all(attempts)).filter(({ succeeded }) => succeeded);
    expect(won).toHaveLength(1);
  });

  it('a watch goes on from where it was, also on another master; history before it began is gone', async () => {
    const a = await openAndWait();
    const { revision } = await a.txn(put('/a', '1'));
    const late = await openAndWait();
    await a.txn(put('/a', '2'));
    await late.barrier();
    const from = asRevision(revision + 1);
    expect(watched(late, { ...all, fromRevision: from }).lost).toEqual([]);
    expect(() => late.watch({ ...all, fromRevision: revision }, () => undefined)).toThrow(
      expect.objectContaining({ code: 'Compacted' }),
    );
    expect(() => late.range({ ...all, revision: asRevision(revision - 1) })).toThrow(
      expect.objectContaining({ code: 'Compacted' }),
    );
  });

  it('history beyond its bound is dropped', async () => {
    const store = await openAndWait({ historyEntries: 20 });
    const { revision } = await store.txn(put('/a', '0'));
    for (let i = 0; i < 50; i++) await store.txn(put('/a', String(i)));
    await until('history is dropped', () => store.compactRevision > revision);
  });

  it('objects expire when their time is up, for all masters with one event', async () => {
    const [a, b] = [await openAndWait({ ttlMs: 300 }), await openAndWait({ ttlMs: 300 })] as const;
    const told = [watched(a), watched(b)];
    await a.txn(put('/a', 'x'));
    for (const { seen } of told) await until('it expires', () => seen().includes('delete /a'));
    for (const { seen } of told) expect(seen()).toEqual(['put /a x', 'delete /a']);
    await until('it is counted once', () => a.metrics().expired + b.metrics().expired === 1);
  });

  it('a master that comes later holds what there is, however much is written meanwhile', async () => {
    const a = await openAndWait();
    for (let i = 0; i < 1_200; i += 100)
      await Promise.all(Array.from({ length: 100 }, (_, j) => a.txn(put(`/k${i + j}`, 'x'))));
    const writing = Promise.all(
      Array.from({ length: 300 }, (_, i) => a.txn(i % 2 ? remove(`/k${i}`) : put(`/k${i}`, 'y'))),
    );
    const b = await openAndWait();
    await writing;
    await b.barrier();
    expect(b.range(all).keyValues).toEqual(a.range(all).keyValues);
    expect(b.metrics().objects).toBe(1_050);
  });

  it('refuses what it cannot do, a deposed leader, and more writes than it can bear', async () => {
    const store = await openAndWait({ maxPendingWrites: 2 });
    const faulty: TxnRequest[] = [
      { compare: [], success: [] },
      { compare: [], success: [...put('/a', '').success, ...put('/b', '').success] },
      {
        compare: [{ key: '/b', target: 'modRevision', operator: '=', operand: 0 }],
        success: put('/a', '').success,
      },
      {
        compare: [{ key: '/a', target: 'version', operator: '=', operand: 0 }],
        success: put('/a', '').success,
      },
      { compare: [], success: [{ type: 'delete', key: '/a', end: '/b' }] },
      put('', 'x'),
    ];
    for (const request of faulty) expect(await codeOf(store.txn(request))).toBe('BadRequest');
    expect(await codeOf(store.txn(put('/a', ''), { fence: 2 }))).toBe('Fenced');
    expect(await codeOf(store.txn(put('/a', ''), { fence: 3 }))).toBe('none');
    const codes = await Promise.all(['/a', '/b', '/c'].map((key) => codeOf(store.txn(put(key, '')))));
    expect(codes).toEqual(['none', 'none', 'Overloaded']);
  });

  it('clusters of different ids share a Redis and see nothing of each other', async () => {
    const mine = await openAndWait();
    const other = await openAndWait({ clusterId: `${clusterId}-other` });
    await mine.txn(put('/a', 'x'));
    await other.barrier();
    expect(other.range(all).keyValues).toEqual([]);
  });
});

describe('Redis away', () => {
  it('everything is refused at once and watches end; back with another memory, revisions go on beyond', async () => {
    const store = await openAndWait({ patienceMs: 100 });
    const { revision } = await store.txn(put('/a', 'x'));
    const told = watched(store);
    await redis.kill();
    await until('it is noticed', () => !store.metrics().up);
    expect(await codeOf(store.txn(put('/b', 'x')))).toBe('Unavailable');
    expect(await codeOf(store.barrier())).toBe('Unavailable');
    expect(() => store.requireAvailable()).toThrow(
      /events store \(Redis at redis:\/\/127.0.0.1:\d+\) is away/,
    );
    await until('watches end', () => told.lost.length === 1);
    expect(told.lost).toMatchObject([{ code: 'Unavailable' }]);
    await redis.restart();
    await up(store);
    expect(store.get('/a')).toBeUndefined();
    expect(store.revision).toBeGreaterThan(revision);
    expect(() => store.watch({ ...all, fromRevision: asRevision(revision + 1) }, () => undefined)).toThrow(
      expect.objectContaining({ code: 'Compacted' }),
    );
    expect((await store.txn(put('/b', 'x'))).succeeded).toBe(true);
    expect(changes.slice(-2).map((each) => each.split(':')[0])).toEqual(['away', 'up']);
  });

  it('hung instead of gone is noticed within seconds, and what was seen is not seen again', async () => {
    const store = await openAndWait();
    await store.txn(put('/a', 'x'));
    const told = watched(store);
    redis.signal('SIGSTOP');
    const startedAt = performance.now();
    expect(await codeOf(store.txn(put('/b', 'x')))).toBe('Unavailable');
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    redis.signal('SIGCONT');
    await up(store);
    await store.txn(put('/c', 'x'));
    expect(new Set(told.seen()).size).toBe(told.seen().length);
    expect(told.seen().at(-1)).toBe('put /c x');
    expect(store.metrics().reloads).toBe(1);
  });

  it('emptied under its users it is begun anew, and a lost piece of history is noticed', async () => {
    const store = await openAndWait();
    await store.txn(put('/a', 'x'));
    const admin = new Redis(redis.url);
    await admin.flushall();
    await until('it is read anew', () => store.metrics().reloads === 2 && store.metrics().up);
    expect(store.range(all).keyValues).toEqual([]);
    await admin.xadd(keysOf(clusterId)[3], `${store.revision + 5}-0`, 'key', '/b');
    await until('the gap is noticed', () => !store.metrics().up);
    await admin.flushall();
    await admin.quit();
    await up(store);
  });

  it('not there at the start is no failure; who is not let in learns why, and no password is told', async () => {
    const guarded = await TestRedis.start(['--requirepass', 'right']);
    const { port } = guarded;
    try {
      changes.length = 0;
      const wrong = open({ url: `redis://:wrong@127.0.0.1:${port}` });
      await until('it is told', () => changes.length > 0);
      expect(changes[0]).toMatch(/does not let this master in: .*Correct user and password/);
      expect(() => wrong.requireAvailable()).toThrow(/does not let this master in/);
      await openAndWait({ url: `redis://:right@127.0.0.1:${port}/2` });
      await guarded.kill();
      changes.length = 0;
      const early = open({ url: `redis://:right@127.0.0.1:${port}` });
      await until('it is told', () =>
        changes.some((change) => change.startsWith('away: Redis cannot be reached')),
      );
      expect(early.range(all).keyValues).toEqual([]);
      await guarded.restart();
      await up(early);
      expect(changes.join()).not.toMatch(/wrong|right/);
    } finally {
      await guarded.stop();
    }
  });

  it('over TLS it is trusted by its authority alone', async () => {
    const [ours, other] = await Promise.all(
      ['ours', 'other'].map((name) => createCertificateAuthority(name)),
    );
    const request = { commonName: 'redis', usages: ['server' as const], ipAddresses: ['127.0.0.1'] };
    const secure = await TestRedis.startTls(await issueCertificate(ours!, request), ours!.certificate);
    const url = `rediss://127.0.0.1:${secure.port}`;
    try {
      const store = await openAndWait({ url, tls: { ca: ours!.certificate } });
      expect((await store.txn(put('/a', 'x'))).succeeded).toBe(true);
      changes.length = 0;
      open({ url, tls: { ca: other!.certificate } });
      await until('it is told', () => changes.length > 0);
      expect(changes[0]).toMatch(/away: no TLS with Redis at rediss:.*Check "eventsStoreCaFile"/);
    } finally {
      await secure.stop();
    }
  });
});
