import { describe, expect, it } from 'vitest';
import type { Operation, WatchItem } from '#libs/history';
import type { EpochRecord } from './epoch.js';
import { judge } from './judge.js';
import { longestGapMs, Refused, type Service, ServiceHistory } from './recorder.js';

const rounds = [
  { round: 11, fault: 'kill-leader', from: 100, to: 200 },
  { round: 12, fault: 'full-disk', from: 200, to: 300 },
];
const put = (key: string, at: number, revision: number): Operation => ({
  client: 'c',
  key,
  kind: 'put',
  value: `v${revision}`,
  invokedAt: at,
  returnedAt: at + 1,
  outcome: 'ok',
  result: { revision },
});
const created = (key: string, revision: number): WatchItem => ({
  kind: 'event',
  key,
  value: `v${revision}`,
  revision,
  batch: revision,
});

interface Service_ {
  readonly operations?: readonly Operation[];
  readonly acknowledged?: readonly number[];
  readonly items?: readonly WatchItem[];
  readonly keys?: readonly string[];
}

function record(etcd: Service_, rest: Partial<EpochRecord> = {}): EpochRecord {
  const histories = { etcd: new ServiceHistory(), kubernetes: new ServiceHistory() };
  histories.etcd.operations.push(...(etcd.operations ?? []));
  for (const sequence of etcd.acknowledged ?? []) {
    histories.etcd.attempts.push({ writer: 'a', sequence, outcome: 'ok' });
  }
  histories.etcd.streams.push({ name: 'watch', prefix: 'e1-', after: 0, items: etcd.items ?? [] });
  const remains = (keys: readonly string[]): EpochRecord['remains'][Service] => ({
    revision: 99,
    keys: new Set(keys),
  });
  return {
    prefix: 'e1-',
    histories,
    remains: { etcd: remains(etcd.keys ?? []), kubernetes: remains([]) },
    hashes: [7, 7, 7],
    unexpected: [],
    ...rest,
  };
}

const found = (of: EpochRecord): string[] =>
  judge(of, rounds).violations.map(({ kind, fault, rounds }) => `${kind}: ${fault} ${rounds}`);

describe('an epoch is judged', () => {
  it('as promised, and counted', () => {
    const verdict = judge(
      record({
        operations: [put('e1-r/1', 110, 1)],
        acknowledged: [0],
        items: [created('e1-r/1', 1), created('e1-w/a/0', 2)],
        keys: ['e1-r/1', 'e1-w/a/0'],
      }),
      rounds,
    );
    expect(verdict).toEqual({
      operations: 2,
      acknowledgedWrites: 2,
      unknownWrites: 0,
      watchEvents: 2,
      violations: [],
    });
  });

  it('by the answers of a key, which are blamed on the fault that was in force', () => {
    const read: Operation = {
      client: 'd',
      key: 'e1-r/1',
      kind: 'get',
      invokedAt: 210,
      returnedAt: 211,
      outcome: 'ok',
      result: { value: undefined },
    };
    const items = [created('e1-r/1', 1)];
    expect(found(record({ operations: [put('e1-r/1', 205, 1), read], items }))).toEqual([
      'not linearizable: full-disk 12',
    ]);
  });

  it('by what a watch left out of what clients were told', () => {
    expect(found(record({ operations: [put('e1-r/1', 110, 1)] }))).toEqual([
      'watch: kill-leader, full-disk 11–12',
    ]);
  });

  it('by numbered writes that are gone, at the end or from the watch', () => {
    const items = [created('e1-w/a/0', 2)];
    expect(found(record({ acknowledged: [0], items }))).toEqual(['lost: kill-leader, full-disk 11–12']);
    expect(found(record({ acknowledged: [0], keys: ['e1-w/a/0'] }))).toEqual([
      'lost: kill-leader, full-disk 11–12',
    ]);
  });

  it('by numbered writes that took effect twice, or were never sent', () => {
    const items = [created('e1-w/a/0', 2), created('e1-w/a/0', 3)];
    const keys = ['e1-w/a/0', 'e1-w/a/1'];
    expect(found(record({ acknowledged: [0], items, keys })).map((text) => text.split(':')[0])).toEqual([
      'phantom',
      'doubled',
    ]);
  });

  it('by replicas that differ, and by answers that no fault excuses', () => {
    const kinds = found(record({}, { hashes: [7, 7, 8], unexpected: ['403'] }));
    expect(kinds.map((text) => text.split(':')[0])).toEqual(['unexpected answer', 'replicas differ']);
  });
});

describe('a history', () => {
  it('holds what an error leaves open as unknown, and a certain refusal as failed', async () => {
    const history = new ServiceHistory();
    const draft = { client: 'c', key: 'k', kind: 'put', value: 'v' } as const;
    const fail = async (error: Error): Promise<never> => Promise.reject(error);
    await expect(history.perform(draft, async () => fail(new Error('reset')))).rejects.toThrow('reset');
    await expect(history.perform(draft, async () => fail(new Refused('full')))).rejects.toThrow('full');
    await history.perform(draft, async () => ({ revision: 3 }));
    expect(history.operations.map(({ outcome, returnedAt }) => [outcome, returnedAt !== undefined])).toEqual([
      ['unknown', false],
      ['failed', false],
      ['ok', true],
    ]);
    expect(history.writesAt).toHaveLength(1);
  });

  it('knows the longest time without an answer, the edges of the period included', () => {
    expect(longestGapMs([], 10, 25)).toBe(15);
    expect(longestGapMs([5, 12, 13, 20, 40], 10, 30)).toBe(10);
    expect(longestGapMs([11, 26], 10, 27)).toBe(15);
  });
});
