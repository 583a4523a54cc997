import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asRevision } from '#libs/mvcc';
import type { Storage } from '../storage.js';
import { until } from './cluster.js';
import {
  bytes,
  text,
  put,
  write,
  absent,
  codeOf,
  all,
  pods,
  keysOf,
  record,
  leaderOf,
} from './storage-contract-support.js';
import type { ContractCluster, ContractEngine } from './storage-contract-support.js';

/** What every implementation of Storage promises, whatever stands behind it. */
export function describeStorageContract(engine: ContractEngine): void {
  describe(`one replica of ${engine.name}`, () => {
    let cluster: ContractCluster;
    let storage: Storage;
    beforeEach(async () => {
      cluster = await engine.open(1, { retentionRevisions: 20 });
      storage = await leaderOf(cluster.replicas);
    });
    afterEach(() => cluster.destroy());

    describeWrites(() => storage);
    describeReads(() => storage);
    describeWatches(() => storage);
    describeLeases(() => storage);

    it('writes fenced by its own term take effect, by another none', async () => {
      const { term } = storage.leadership;
      const request = (key: string) => ({ compare: [], success: [put(key)] });
      expect((await storage.txn(request('/a'), { fence: term })).succeeded).toBe(true);
      expect(await codeOf(storage.txn(request('/b'), { fence: term - 1 }))).toBe('Fenced');
      expect(await codeOf(storage.txn(request('/b'), { fence: term + 1 }))).toBe('Fenced');
      await storage.barrier();
      expect(keysOf(storage)).toEqual(['/a']);
    });

    it('a fenced write whose compare does not hold is no fenced one', async () => {
      await write(storage, put('/a', 'first'));
      const request = {
        compare: [absent('/a')],
        success: [put('/a')],
        failure: [{ type: 'get', key: '/a' }],
      } as const;
      const result = await storage.txn(request, { fence: storage.leadership.term });
      expect(result.succeeded).toBe(false);
      expect(result.results).toMatchObject([{ type: 'get', count: 1, keyValues: [{ key: '/a' }] }]);
    });

    it('status tells who it is, that it leads, and where it stands', async () => {
      const { revision } = await write(storage, put('/a'));
      const status = storage.status();
      expect(status).toMatchObject({
        quorum: true,
        leadership: { isLeader: true, leader: status.name },
        alarms: [],
      });
      expect(status.revision).toBeGreaterThanOrEqual(revision);
      expect(status.commitIndex).toBeGreaterThanOrEqual(status.appliedIndex);
      expect(status.members).toMatchObject([{ name: status.name, role: 'leader', active: true }]);
      expect(status.sizeBytes).toBeGreaterThan(0);
    });

    it('once closed refuses everything that would wait', async () => {
      await storage.close();
      expect(await codeOf(write(storage, put('/a')))).toBe('Stopped');
      expect(await codeOf(storage.barrier())).toBe('Stopped');
      expect(() => storage.watch(pods, () => undefined)).toThrow(
        expect.objectContaining({ code: 'Stopped' }),
      );
    });
  });
}

function describeWrites(the: () => Storage): void {
  it('a write that resolved is read at once; a compare that fails takes the other branch', async () => {
    const storage = the();
    const request = {
      compare: [absent('/a')],
      success: [put('/a', '1')],
      failure: [{ type: 'get', key: '/a' }],
    } as const;
    const created = await storage.txn(request);
    expect(created.succeeded).toBe(true);
    expect(storage.get('/a')).toMatchObject({
      modRevision: created.revision,
      createRevision: created.revision,
    });
    const again = await storage.txn(request);
    expect(again).toMatchObject({ succeeded: false, results: [{ type: 'get', count: 1 }] });
    expect(again.revision).toBeGreaterThanOrEqual(created.revision);
    expect(text(storage.get('/a')?.value)).toBe('1');
  });

  it('results tell what was written and what was there before', async () => {
    const storage = the();
    const first = await write(storage, put('/a', '1'), put('/b', '1'), put('/c', '1'));
    const second = await write(
      storage,
      put('/a', '2'),
      { type: 'delete', key: '/b', end: '/d' },
      { type: 'delete', key: '/none' },
      { type: 'get', key: '/', end: '0' },
    );
    const [a, deleted, none, read] = second.results;
    expect(a).toMatchObject({
      type: 'put',
      keyValue: { createRevision: first.revision, modRevision: second.revision, version: 2, lease: 0 },
      previous: { modRevision: first.revision, version: 1 },
    });
    expect(deleted?.type === 'delete' && deleted.previous.map(({ key }) => key)).toEqual(['/b', '/c']);
    expect(none).toEqual({ type: 'delete', previous: [] });
    expect(read?.type === 'get' && read.keyValues.map(({ key }) => key)).toEqual(['/a']);
    expect(keysOf(storage)).toEqual(['/a']);
  });

  it('a slot in a value is filled with the revision, in the reply, in reads and in events', async () => {
    const storage = the();
    const watched = record(storage, { start: '/a' });
    const value = bytes(`{"v":${' '.repeat(18)},"x":1}`);
    const { revision, results } = await storage.txn({
      compare: [],
      success: [{ type: 'put', key: '/a', value, stampOffset: 5 }],
    });
    const stamped = `{"v":${`"${revision}"`.padEnd(18)},"x":1}`;
    expect(results[0]?.type === 'put' && text(results[0].keyValue.value)).toBe(stamped);
    expect(text(storage.get('/a')?.value)).toBe(stamped);
    expect(watched.seen()).toEqual([`put /a ${stamped}`]);
  });

  it('every compare, with every operator', async () => {
    const storage = the();
    const lease = await storage.grantLease(60);
    await write(storage, put('/a', 'm'));
    const { revision } = await write(storage, put('/a', 'm', lease));
    const createRevision = storage.get('/a')!.createRevision;
    const numbers = { modRevision: revision, createRevision, version: 2, lease } as const;
    for (const [target, number] of Object.entries(numbers) as [keyof typeof numbers, number][]) {
      const holding = [
        ['=', 0],
        ['!=', 1],
        ['<', 1],
        ['>', -1],
      ] as const;
      for (const [operator, offset] of holding) {
        const compare = [{ key: '/a', target, operator, operand: number + offset }];
        expect((await storage.txn({ compare, success: [] })).succeeded, `${target} ${operator}`).toBe(true);
      }
      const failing = [{ key: '/a', target, operator: '=', operand: number + 1 } as const];
      expect((await storage.txn({ compare: failing, success: [] })).succeeded).toBe(false);
    }
    for (const [operator, operand] of [
      ['=', 'm'],
      ['!=', 'n'],
      ['<', 'n'],
      ['>', 'a'],
    ] as const) {
      const compare = [{ key: '/a', target: 'value', operator, operand: bytes(operand) } as const];
      expect((await storage.txn({ compare, success: [] })).succeeded, `value ${operator}`).toBe(true);
    }
    const ofNothing = [{ key: '/b', target: 'value', operator: '!=', operand: bytes('') } as const];
    expect((await storage.txn({ compare: ofNothing, success: [] })).succeeded).toBe(false);
    await storage.revokeLease(lease);
  });

  it('a faulty request fails alone: the others of its turn take effect', async () => {
    const storage = the();
    const faulty = [
      write(storage, put('/b'), put('/b')),
      write(storage, put('/b1'), { type: 'delete', key: '/b', end: '/c' }),
      write(storage, put('/l', 'x', 4_242)),
    ].map(codeOf);
    const unencodable = Promise.allSettled([
      write(storage, put('')),
      write(storage, { type: 'put', key: '/s', value: bytes('short'), stampOffset: 0 }),
    ]);
    await Promise.all([write(storage, put('/a')), write(storage, put('/d'))]);
    expect(await Promise.all(faulty)).toEqual(['BadRequest', 'BadRequest', 'LeaseNotFound']);
    expect((await unencodable).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(keysOf(storage)).toEqual(['/a', '/d']);
  });

  it('many at once are each applied once', async () => {
    const storage = the();
    const keys = Array.from({ length: 200 }, (_, i) => `/k/${String(i).padStart(3, '0')}`);
    const written = await Promise.all(keys.map((key) => write(storage, put(key))));
    expect(new Set(written.map(({ revision }) => revision)).size).toBe(keys.length);
    expect(storage.range(all).keyValues.map(({ key, version }) => `${key} ${version}`)).toEqual(
      keys.map((key) => `${key} 1`),
    );
  });
}

function describeReads(the: () => Storage): void {
  it('a range has a limit, says whether more follows, counts, and reads older revisions', async () => {
    const storage = the();
    const keys = ['/a', '/b', '/c', '/d'];
    const { revision } = await write(storage, ...keys.map((key) => put(key, 'old')));
    await write(storage, put('/b', 'new'), { type: 'delete', key: '/c' }, put('/e', 'new'));
    const page = storage.range({ start: '/', end: '0', limit: 2, count: true });
    expect(page).toMatchObject({ more: true, count: 4, revision: storage.revision });
    expect(page.keyValues.map(({ key }) => key)).toEqual(['/a', '/b']);
    const old = storage.range({ start: '/', end: '0', revision });
    expect(old.keyValues.map(({ key, value }) => `${key} ${text(value)}`)).toEqual(
      keys.map((key) => `${key} old`),
    );
    expect(old).toMatchObject({ more: false, revision });
  });

  it('keys may be any text; they are ordered by code unit', async () => {
    const storage = the();
    const keys = ['/ä', '/a/ b', '/a', '/Z', 'é/ü', '/\u4e2d'];
    for (const key of keys) await write(storage, put(key, `value of ${key}`));
    expect(keysOf(storage)).toEqual([...keys].sort());
    for (const key of keys) expect(text(storage.get(key)?.value)).toBe(`value of ${key}`);
  });

  it('bytes come back as they are, large and small', async () => {
    const storage = the();
    const values = [new Uint8Array(0), new Uint8Array([0, 255, 128, 10]), new Uint8Array(1_000_000).fill(7)];
    for (const [i, value] of values.entries())
      await storage.txn({ compare: [], success: [{ type: 'put', key: `/${i}`, value }] });
    for (const [i, value] of values.entries()) {
      const stored = storage.get(`/${i}`)!.value;
      expect(Buffer.compare(stored, value)).toBe(0);
      // Plain bytes: what is cut from a pool, or keeps a larger message alive, would cost memory for as long as it lives.
      expect(stored.buffer.byteLength).toBe(value.length);
    }
  });
}

function describeWatches(the: () => Storage): void {
  it('get what happens in their range before the writer is answered, one revision never in two calls', async () => {
    const storage = the();
    const watched = record(storage, pods);
    await write(storage, put('/pods/1'), put('/pods/2'), put('/nodes/1'));
    expect(watched.seen()).toEqual(['put /pods/1 x', 'put /pods/2 x']);
    await write(storage, { type: 'delete', key: '/pods/1' });
    const last = watched.calls.at(-1)!;
    expect(last.events).toMatchObject([
      {
        type: 'delete',
        keyValue: { key: '/pods/1', modRevision: last.revision, version: 0, createRevision: 0 },
        previous: { key: '/pods/1', version: 1 },
      },
    ]);
    for (const { events } of watched.calls) {
      const revisions = new Set(events.map(({ keyValue }) => keyValue.modRevision));
      for (const other of watched.calls)
        if (other.events !== events)
          expect(other.events.some(({ keyValue }) => revisions.has(keyValue.modRevision))).toBe(false);
    }
    watched.close();
    await write(storage, put('/pods/3'));
    expect(watched.seen()).toHaveLength(3);
  });

  it('from a revision tell the past first, and neither skip nor repeat where it meets the present', async () => {
    const storage = the();
    await write(storage, put('/pods/1'));
    const { revision } = await write(storage, put('/pods/2'));
    const past = record(storage, { ...pods, fromRevision: revision });
    await Promise.all([write(storage, put('/pods/3')), write(storage, put('/pods/4'))]);
    const ahead = record(storage, { ...pods, fromRevision: asRevision(storage.revision + 1) });
    await write(storage, put('/pods/5'));
    const names = (watched: typeof past): string[] => watched.seen().map((event) => event.split(' ')[1]!);
    expect(names(past).slice(0, 1)).toEqual(['/pods/2']);
    expect(names(past).slice(1, 3).sort()).toEqual(['/pods/3', '/pods/4']);
    expect(names(past).slice(3)).toEqual(['/pods/5']);
    expect(names(ahead)).toEqual(['/pods/5']);
  });

  it('hear of progress when the store advances without them', async () => {
    const storage = the();
    const watched = record(storage, pods);
    const { revision } = await write(storage, put('/nodes/1'));
    await until('a notice of progress', () => watched.calls.some((call) => call.revision >= revision));
    expect(watched.seen()).toEqual([]);
  });

  it('history beyond the retention is gone, and it is said from where one can read', async () => {
    const storage = the();
    const { revision: first } = await write(storage, put('/a'));
    for (let i = 0; i < 60; i++) await write(storage, put('/a', String(i)));
    await until('history is dropped', () => storage.compactRevision > first + 30);
    const code = { code: 'Compacted', firstAvailable: storage.compactRevision };
    const revision = asRevision(storage.compactRevision - 1);
    expect(() => storage.range({ start: '/a', revision })).toThrow(expect.objectContaining(code));
    expect(() => storage.watch({ start: '/a', fromRevision: revision }, () => undefined)).toThrow(
      expect.objectContaining(code),
    );
    expect(text(storage.get('/a')?.value)).toBe('59');
  });
}

function describeLeases(the: () => Storage): void {
  it('end by themselves with their keys, unless they are renewed', async () => {
    const storage = the();
    const lease = await storage.grantLease(1);
    const kept = await storage.grantLease(60);
    await write(storage, put('/leased', 'x', lease), put('/kept', 'x', kept));
    expect(storage.get('/leased')?.lease).toBe(lease);
    await storage.renewLease(lease);
    const watched = record(storage, { start: '/leased' });
    await until('the lease ends', () => storage.get('/leased') === undefined, 20_000);
    expect(watched.seen()).toEqual(['delete /leased ']);
    expect(await codeOf(storage.renewLease(lease))).toBe('LeaseNotFound');
    expect(await codeOf(write(storage, put('/late', 'x', lease)))).toBe('LeaseNotFound');
    expect(storage.get('/kept')).toBeDefined();
    await storage.revokeLease(kept);
    expect(keysOf(storage)).toEqual([]);
  });
}
