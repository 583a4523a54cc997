import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asLogIndex, asMemberId, asTerm, configurationOfVoters } from '#libs/raft';
import type { AppendWork, Entry, SnapshotMetadata } from '#libs/raft';
import { nodeDisk } from '../environment/disk.js';
import type { Disk } from '../environment/disk.js';
import { nodeEnvironment } from '../environment/environment.js';
import { DataDirectoryError } from '../errors.js';
import { until } from '../testing/cluster.js';
import { RaftLog } from './raft-log.js';
import type { RaftLogOptions } from './raft-log.js';

const configuration = configurationOfVoters([asMemberId(1)]);
let directory: string;
let open: RaftLog[] = [];
let fatals: Error[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-log-'));
  fatals = [];
});
afterEach(async () => {
  await Promise.all(open.map((log) => log.close()));
  open = [];
  rmSync(directory, { recursive: true, force: true });
});

function openLog(overrides: Partial<RaftLogOptions> = {}): RaftLog {
  const log = new RaftLog({
    directory,
    clusterId: 'c',
    memberId: 1,
    initialConfiguration: configuration,
    restored: undefined,
    segmentBytes: 64 << 10,
    onFatal: (error) => fatals.push(error),
    ...overrides,
  });
  open.push(log);
  return log;
}

async function reopen(log: RaftLog, overrides: Partial<RaftLogOptions> = {}): Promise<RaftLog> {
  await log.close();
  open = open.filter((one) => one !== log);
  return openLog(overrides);
}

const entry = (index: number, term = 1, size = 100): Entry => ({
  term: asTerm(term),
  index: asLogIndex(index),
  type: 'normal',
  data: new Uint8Array(size).fill(index % 251),
});
let sequence = 0;
const work = (entries: readonly Entry[], commit = 0, snapshot?: SnapshotMetadata): AppendWork => ({
  sequence: ++sequence,
  hardState: { term: asTerm(entries.at(-1)?.term ?? 1), vote: asMemberId(1), commit: asLogIndex(commit) },
  entries,
  snapshot,
});
const append = (log: RaftLog, one: AppendWork): Promise<void> =>
  new Promise((resolve) => log.append(one, resolve));
const terms = (log: RaftLog): (number | undefined)[] => {
  const all: (number | undefined)[] = [];
  for (let i = log.firstIndex(); i <= log.lastIndex(); i = asLogIndex(i + 1)) all.push(log.term(i));
  return all;
};
const lastSegment = (): string =>
  join(
    directory,
    readdirSync(directory)
      .filter((n) => n.endsWith('.wal'))
      .sort()
      .at(-1) ?? '',
  );

/** Offsets at which records begin: they are 8-byte aligned behind their magic. */
function recordOffsets(path: string): number[] {
  const bytes = readFileSync(path);
  const found: number[] = [];
  for (let at = 32; at + 4 <= bytes.length; at += 8)
    if (bytes.readUInt32LE(at) === 0x57_49_52_54) found.push(at);
  return found;
}

function damage(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

describe('the log on disk', () => {
  it('reads back what it made durable: entries, term, vote and commit', async () => {
    const log = openLog();
    await append(log, work([entry(1), entry(2)], 1));
    await append(log, work([entry(3, 2)], 2));
    const again = await reopen(log);
    expect(again.lastIndex()).toBe(3);
    expect(terms(again)).toEqual([1, 1, 2]);
    expect(again.entries(asLogIndex(2), asLogIndex(4), 1e6)).toEqual([entry(2), entry(3, 2)]);
    expect(again.initialState().hardState).toEqual({ term: 2, vote: 1, commit: 2 });
  });

  it('shows nothing before it is durable', () => {
    const log = openLog();
    log.append(work([entry(1)]), () => undefined);
    expect(log.lastIndex()).toBe(0);
  });

  it('replaces a conflicting tail, across a restart too', async () => {
    const log = openLog();
    await append(log, work([entry(1), entry(2), entry(3)]));
    await append(log, work([entry(2, 2)]));
    expect(terms(log)).toEqual([1, 2]);
    expect(terms(await reopen(log))).toEqual([1, 2]);
  });

  it('gathers what comes during a write into the next one, and answers in order', async () => {
    let syncs = 0;
    const log = openLog({ onSync: () => syncs++ });
    const order: number[] = [];
    const last = new Promise<void>((resolve) => {
      for (let i = 1; i <= 50; i++) {
        log.append(work([entry(i)]), () => {
          order.push(i);
          if (i === 50) resolve();
        });
      }
    });
    await last;
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(syncs).toBe(2);
  });

  it('goes on over many segments and in batches larger than a segment', async () => {
    let log = openLog();
    for (let i = 1; i <= 40; i++) await append(log, work([entry(i, 1, 8_000)], i - 1));
    await append(log, work([entry(41, 1, 300_000)]));
    await append(log, work([entry(42)]));
    expect(readdirSync(directory).filter((name) => name.endsWith('.wal')).length).toBeGreaterThan(5);
    log = await reopen(log);
    expect(log.lastIndex()).toBe(42);
    expect(log.entries(asLogIndex(41), asLogIndex(42), 1)).toEqual([entry(41, 1, 300_000)]);
    await append(log, work([entry(43)]));
    expect((await reopen(log)).lastIndex()).toBe(43);
  });

  it('lets go of segments before a snapshot, but keeps those that the older snapshot needs', async () => {
    const log = openLog({ keepBytes: 0 });
    for (let i = 1; i <= 40; i++) await append(log, work([entry(i, 1, 8_000)], i));
    const before = readdirSync(directory).length;
    const snapshot = { index: asLogIndex(38), term: asTerm(1), configuration };
    log.compacted(snapshot, asLogIndex(0));
    expect(log.firstIndex()).toBe(39);
    expect(readdirSync(directory).length).toBe(before);
    log.compacted({ ...snapshot, index: asLogIndex(39) }, asLogIndex(38));
    expect(readdirSync(directory).length).toBeLessThan(before / 2);
    const again = await reopen(log, { restored: { ...snapshot, index: asLogIndex(39) }, keepBytes: 0 });
    expect([again.firstIndex(), again.lastIndex()]).toEqual([40, 40]);
    expect(again.initialState().hardState.commit).toBe(40);
  });

  it('lets go of a tail that was replaced, though the next segment began behind it', async () => {
    const log = openLog({ keepBytes: 0 });
    const segments = (): number => readdirSync(directory).filter((name) => name.endsWith('.wal')).length;
    let last = 0;
    while (segments() < 2) await append(log, work([entry(++last, 1, 6_000)]));
    // A new leader replaces what no majority held: in the second segment, below where that one began.
    const from = last - 3;
    await append(log, work(Array.from({ length: 8 }, (_, i) => entry(from + i, 2))));
    const snapshot = { index: asLogIndex(last + 1), term: asTerm(2), configuration };
    log.compacted(snapshot, snapshot.index);
    expect(segments()).toBe(1);
    const again = await reopen(log, { restored: snapshot, keepBytes: 0 });
    expect([again.firstIndex(), again.lastIndex()]).toEqual([last + 2, from + 7]);
    expect(terms(again)).toEqual(Array.from({ length: from + 7 - (last + 1) }, () => 2));
  });

  it('makes durable what it reads before it builds upon it: the last process may have been killed during its write', async () => {
    const log = openLog();
    await append(log, work([entry(1)]));
    const paths = new Map<number, string>();
    const synced: (string | undefined)[] = [];
    const disk: Disk = {
      ...nodeDisk,
      openSync: (path, flags, mode) => {
        const fd = nodeDisk.openSync(path, flags, mode);
        paths.set(fd, path);
        return fd;
      },
      fsyncSync: (fd) => {
        synced.push(paths.get(fd));
        nodeDisk.fsyncSync(fd);
      },
    };
    await reopen(log, { environment: { ...nodeEnvironment, disk } });
    expect(synced).toEqual([lastSegment(), directory]);
  });

  it('holds a bounded part of its entries in memory, and reads the others back', async () => {
    const keepBytes = 10_000;
    const all = Array.from({ length: 200 }, (_, i) => entry(i + 1, 1, 1_000));
    const everything = (of: RaftLog): readonly Entry[] => of.entries(asLogIndex(1), asLogIndex(201), 1e9);
    const log = openLog({ keepBytes });
    for (let i = 0; i < 200; i += 4) await append(log, work(all.slice(i, i + 4)));
    expect(log.memoryBytes).toBeLessThan(keepBytes * 1.2);
    expect(everything(log)).toEqual(all);
    const again = await reopen(log, { keepBytes });
    expect(again.memoryBytes).toBeLessThan(keepBytes * 1.2);
    expect(everything(again)).toEqual(all);
  });

  it('replaces a conflicting tail that has left memory', async () => {
    const log = openLog({ keepBytes: 2_000 });
    for (let i = 1; i <= 20; i++) await append(log, work([entry(i, 1, 1_000)]));
    await append(log, work([entry(5, 2), entry(6, 2)]));
    expect(terms(log)).toEqual([1, 1, 1, 1, 2, 2]);
    const expected = [entry(4, 1, 1_000), entry(5, 2), entry(6, 2)];
    expect(log.entries(asLogIndex(4), asLogIndex(7), 1e9)).toEqual(expected);
    expect(terms(await reopen(log, { keepBytes: 2_000 }))).toEqual([1, 1, 1, 1, 2, 2]);
  });

  it('never hands out bytes other than those it was given', async () => {
    const log = openLog({ keepBytes: 2_000 });
    for (let i = 1; i <= 20; i++) await append(log, work([entry(i, 1, 1_000)]));
    damage(lastSegment(), (recordOffsets(lastSegment())[3] ?? 0) + 500);
    expect(() => log.entries(asLogIndex(1), asLogIndex(21), 1e9)).toThrow('reads differently');
  });

  it('restarts behind a snapshot that the leader sent', async () => {
    const log = openLog();
    await append(log, work([entry(1)]));
    const snapshot = { index: asLogIndex(100), term: asTerm(3), configuration };
    await append(log, work([entry(101, 3)], 100, snapshot));
    expect([log.firstIndex(), log.lastIndex(), log.term(asLogIndex(100))]).toEqual([101, 101, 3]);
    const again = await reopen(log, { restored: snapshot });
    expect([again.firstIndex(), again.lastIndex(), again.term(asLogIndex(100))]).toEqual([101, 101, 3]);
  });

  it.each([
    ['a log that ends before it', [entry(1), entry(2), entry(3), entry(4), entry(5)]],
    ['a longer tail that conflicts with it', Array.from({ length: 20 }, (_, i) => entry(i + 1))],
    ['a log whose last file is full', Array.from({ length: 5 }, (_, i) => entry(i + 1, 1, 13_030))],
    ['an empty log', []],
  ])(
    'takes a snapshot file that a crash left newer than the log, and goes on behind it: %s',
    async (_, held) => {
      const log = openLog();
      await append(log, work(held));
      const snapshot = { index: asLogIndex(10), term: asTerm(3), configuration };
      let again = await reopen(log, { restored: snapshot });
      const state = (): number[] => {
        const { term, commit } = again.initialState().hardState;
        return [again.firstIndex(), again.lastIndex(), term, commit];
      };
      expect(state()).toEqual([11, 10, 3, 10]);
      // Twice without an append between: what was recorded is not recorded again.
      again = await reopen(again, { restored: snapshot });
      expect(state()).toEqual([11, 10, 3, 10]);
      await append(again, work([entry(11, 3), entry(12, 3)], 11));
      again = await reopen(again, { restored: snapshot });
      expect(state()).toEqual([11, 12, 3, 11]);
      await append(again, work([entry(13, 4)], 12));
      again = await reopen(again, { restored: snapshot });
      expect(terms(again)).toEqual([3, 3, 4]);
      expect(again.term(asLogIndex(10))).toBe(3);
    },
  );
});

describe('a torn tail', () => {
  it.each([
    ['its header', 4],
    ['its payload', 60],
    ['its end', 150],
  ])('is cut where a crash interrupted the last write: %s', async (_, within) => {
    let log = openLog();
    await append(log, work([entry(1)]));
    await append(log, work([entry(2)]));
    await log.close();
    const path = lastSegment();
    damage(path, (recordOffsets(path).at(-1) ?? 0) + within);
    let cut = 0;
    log = openLog({ onTorn: (at) => (cut = at) });
    expect(cut).toBeGreaterThan(0);
    expect(log.lastIndex()).toBe(1);
    await append(log, work([entry(2, 5)]));
    expect(
      terms(await reopen(log, { onTorn: () => expect.unreachable('the cut left nothing behind') })),
    ).toEqual([1, 5]);
  });

  it('is told from damage in the middle: then the log halts and says what to do', async () => {
    const log = openLog();
    for (let i = 1; i <= 5; i++) await append(log, work([entry(i)]));
    await log.close();
    const path = lastSegment();
    damage(path, (recordOffsets(path)[2] ?? 0) + 60);
    expect(() => openLog()).toThrow(DataDirectoryError);
    expect(() => openLog()).toThrow(
      /damaged at byte \d+: record \d+ does not hold, but a later one follows.*backup/s,
    );
  });

  it('in a segment that has a successor is damage', async () => {
    const log = openLog();
    for (let i = 1; i <= 20; i++) await append(log, work([entry(i, 1, 8_000)]));
    await log.close();
    const first = join(
      directory,
      readdirSync(directory)
        .filter((n) => n.endsWith('.wal'))
        .sort()[0] ?? '',
    );
    damage(first, (recordOffsets(first).at(-1) ?? 0) + 60);
    expect(() => openLog()).toThrow(/damaged/);
  });
});

describe('a log that is not what it should be', () => {
  async function filled(): Promise<string[]> {
    const log = openLog();
    for (let i = 1; i <= 30; i++) await append(log, work([entry(i, 1, 8_000)]));
    await log.close();
    return readdirSync(directory)
      .filter((name) => name.endsWith('.wal'))
      .sort();
  }

  it('with a missing file is refused', async () => {
    const [, second] = await filled();
    rmSync(join(directory, second ?? ''));
    expect(() => openLog()).toThrow(/is missing/);
  });

  it('with a shortened file is refused', async () => {
    const [first] = await filled();
    truncateSync(join(directory, first ?? ''), 10_000);
    expect(() => openLog()).toThrow(/damaged/);
  });

  it('with a damaged header is refused', async () => {
    const [first] = await filled();
    damage(join(directory, first ?? ''), 3);
    expect(() => openLog()).toThrow(/its header does not hold/);
  });

  it('of another member or cluster is refused by name', async () => {
    await filled();
    expect(() => openLog({ memberId: 2 })).toThrow(/belongs to member 1 of cluster c, not to member 2/);
    expect(() => openLog({ clusterId: 'other' })).toThrow(/not to member 1 of other/);
  });

  it('with a gap behind its snapshot is refused', async () => {
    const log = openLog({ keepBytes: 0 });
    for (let i = 1; i <= 40; i++) await append(log, work([entry(i, 1, 8_000)], i));
    log.compacted({ index: asLogIndex(38), term: asTerm(1), configuration }, asLogIndex(38));
    await log.close();
    open = [];
    expect(() => openLog()).toThrow(/what lies between is gone/);
  });
});

describe('a disk that fails', () => {
  it('ahead of time, to a segment that is not needed yet, ends nothing: it is made when it is needed', async () => {
    let refused = 0;
    const promises: Disk['promises'] = {
      ...nodeDisk.promises,
      open: (path, flags, mode) =>
        refused++ === 0
          ? Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
          : nodeDisk.promises.open(path, flags, mode),
    };
    const log = openLog({ environment: { ...nodeEnvironment, disk: { ...nodeDisk, promises } } });
    for (let i = 1; i <= 100; i++) await append(log, work([entry(i, 1, 1_000)]));
    expect(refused).toBeGreaterThan(1);
    expect(fatals).toEqual([]);
    expect(log.lastIndex()).toBe(100);
  });

  it('stops the log for good: nothing more is called durable', async () => {
    const log = openLog();
    await append(log, work([entry(1)]));
    rmSync(directory, { recursive: true });
    const answered: number[] = [];
    // The open file still takes writes; the next segment cannot be made.
    for (let index = 2; index <= 40; index++) {
      log.append(work([entry(index, 1, 8_000)]), () => answered.push(index));
    }
    await until('the log has given up', () => fatals.length > 0);
    expect(fatals[0]?.message).toMatch(/could not be made durable: .*check the disk/);
    const before = answered.length;
    log.append(work([entry(41)]), () => answered.push(41));
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered.length).toBe(before);
    expect(fatals).toHaveLength(1);
    expect(log.lastIndex()).toBe(1 + before);
  });

  it('during the last write does not keep the log from closing', async () => {
    let refuse: (() => void) | undefined;
    const write: Disk['write'] = (...[, , , , , done]) => {
      refuse = () => done(Object.assign(new Error('input/output error'), { code: 'EIO' }), 0);
    };
    const log = openLog({ environment: { ...nodeEnvironment, disk: { ...nodeDisk, write } } });
    log.append(work([entry(1)]), () => expect.unreachable('it is not durable'));
    await until('it is being written', () => refuse !== undefined);
    const closed = log.close();
    refuse?.();
    await closed;
    expect(fatals[0]?.message).toMatch(/could not be made durable: input.output error/);
  });
});
