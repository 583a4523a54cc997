import { describe, expect, it } from 'vitest';
import { randomHistory } from '../testing/random-history.js';
import { checkLedger, checkRevisionOrder, type Operation } from './index.js';

describe('the ledger of numbered writes', () => {
  it('counts what was answered and is missing, there twice, or there without having been asked for', () => {
    const attempts = [
      { writer: 'a', sequence: 1, outcome: 'ok' },
      { writer: 'a', sequence: 2, outcome: 'ok' },
      { writer: 'a', sequence: 3, outcome: 'unknown' },
      { writer: 'a', sequence: 4, outcome: 'unknown' },
      { writer: 'a', sequence: 5, outcome: 'failed' },
    ] as const;
    const found = [
      { writer: 'a', sequence: 1 },
      { writer: 'a', sequence: 4 },
      { writer: 'a', sequence: 4 },
      { writer: 'a', sequence: 5 },
      { writer: 'b', sequence: 1 },
    ];
    expect(checkLedger(attempts, found)).toEqual({
      attempts: 5,
      acknowledged: 2,
      lost: [{ writer: 'a', sequence: 2 }],
      doubled: [{ writer: 'a', sequence: 4 }],
      phantom: [
        { writer: 'a', sequence: 5 },
        { writer: 'b', sequence: 1 },
      ],
    });
  });
});

describe('revisions', () => {
  const base = { client: 'a', outcome: 'ok', kind: 'put', value: 'v' } as const;
  const put = (key: string, from: number, to: number, revision: number): Operation => ({
    ...base,
    key,
    invokedAt: from,
    returnedAt: to,
    result: { revision },
  });
  const get = (key: string, from: number, to: number, storeRevision: number): Operation => ({
    client: 'b',
    outcome: 'ok',
    kind: 'get',
    key,
    invokedAt: from,
    returnedAt: to,
    result: { value: undefined, storeRevision },
  });

  it('of a correct store are in the order of real time over all keys', () => {
    const history = randomHistory({ seed: 4, operations: 20_000, keys: 30, clients: 10, unknownPercent: 5 });
    expect(checkRevisionOrder(history)).toEqual([]);
  });

  it('do not go back from one key to another', () => {
    expect(checkRevisionOrder([put('x', 0, 1, 5), put('y', 2, 3, 5)]).map(({ fault }) => fault)).toEqual([
      'wentBack',
      'usedTwice',
    ]);
    expect(checkRevisionOrder([put('x', 0, 1, 5), get('y', 2, 3, 4)])).toMatchObject([
      { fault: 'wentBack', revision: 4 },
    ]);
    expect(checkRevisionOrder([put('x', 0, 1, 5), get('y', 2, 3, 5)])).toEqual([]);
  });

  it('of a key say what its store had reached, and no more', () => {
    const get = (key: string, from: number, revision: number): Operation => ({
      client: 'b',
      outcome: 'ok',
      kind: 'get',
      key,
      invokedAt: from,
      returnedAt: from + 1,
      result: { value: 'v', revision },
    });
    expect(checkRevisionOrder([put('x', 0, 1, 5), get('y', 2, 3)])).toEqual([]);
    expect(checkRevisionOrder([get('y', 0, 5), put('x', 2, 3, 4)])).toMatchObject([{ fault: 'wentBack' }]);
  });

  it('are each of one write', () => {
    expect(checkRevisionOrder([put('x', 0, 5, 5), put('y', 1, 6, 5)])).toMatchObject([
      { fault: 'usedTwice' },
    ]);
  });
});
