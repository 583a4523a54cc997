import { describe, expect, it } from 'vitest';
import { randomFrom, randomHistory } from '../testing/random-history.js';
import { checkLinearizable, type Operation } from './index.js';
import { emptyRegister, step, type Register } from './register.js';

const at = (client: string, invokedAt: number, returnedAt: number | undefined) =>
  ({
    client,
    key: 'k',
    invokedAt,
    returnedAt,
    outcome: returnedAt === undefined ? 'unknown' : 'ok',
  }) as const;
const put = (
  client: string,
  from: number,
  to: number | undefined,
  value: string,
  revision?: number,
): Operation =>
  to === undefined
    ? { ...at(client, from, to), kind: 'put', value }
    : { ...at(client, from, to), kind: 'put', value, result: revision === undefined ? {} : { revision } };
const get = (
  client: string,
  from: number,
  to: number,
  value: string | undefined,
  revision?: number,
): Operation => ({
  ...at(client, from, to),
  kind: 'get',
  result: revision === undefined ? { value } : { value, revision },
});
const cas = (
  client: string,
  [from, to]: readonly [number, number | undefined],
  value: string,
  expectedRevision: number,
  result?: { applied: boolean; revision?: number },
): Operation => ({
  ...at(client, from, to),
  kind: 'compareAndPut',
  value,
  expectedRevision,
  ...(result === undefined ? {} : { result }),
});
const del = (client: string, from: number, to: number, existed: boolean, revision?: number): Operation => ({
  ...at(client, from, to),
  kind: 'delete',
  result: revision === undefined ? { existed } : { existed, revision },
});
const verdict = (...history: Operation[]): string => checkLinearizable(history).verdict;

describe('a history that a register explains', () => {
  it('is linearizable when nothing happened', () => {
    expect(verdict()).toBe('linearizable');
    expect(verdict(get('a', 0, 1, undefined))).toBe('linearizable');
  });

  it('lets operations that overlap take effect in either order', () => {
    const first = [put('a', 0, 10, 'x', 1), put('b', 0, 10, 'y', 2)];
    expect(verdict(...first, get('c', 11, 12, 'y', 2))).toBe('linearizable');
    expect(verdict(put('a', 0, 10, 'x'), put('b', 0, 10, 'y'), get('c', 11, 12, 'x'))).toBe('linearizable');
  });

  it('lets a read during a write see either state', () => {
    expect(verdict(put('a', 0, 10, 'x'), get('b', 2, 3, undefined), get('c', 4, 5, 'x'))).toBe(
      'linearizable',
    );
  });

  it('lets a write of unknown outcome happen late, or never', () => {
    const before = [put('a', 0, 1, 'x', 1), put('b', 2, undefined, 'y')];
    expect(verdict(...before, get('c', 5, 6, 'x', 1), get('c', 50, 60, 'y', 9))).toBe('linearizable');
    expect(verdict(...before, get('c', 5, 6, 'x', 1), get('c', 50, 60, 'x', 1))).toBe('linearizable');
  });

  it('lets an unknown write explain a refused comparison though nobody read it', () => {
    const refused = cas('c', [5, 6], 'z', 1, { applied: false });
    expect(verdict(put('a', 0, 1, 'x', 1), put('b', 2, undefined, 'y'), refused)).toBe('linearizable');
    expect(verdict(put('a', 0, 1, 'x', 1), refused)).toBe('violation');
  });

  it('knows deletions, and keys that come back', () => {
    expect(
      verdict(
        put('a', 0, 1, 'x', 1),
        del('a', 2, 3, true, 2),
        get('b', 4, 5, undefined),
        cas('a', [6, 7], 'y', 0, { applied: true, revision: 3 }),
        get('b', 8, 9, 'y', 3),
      ),
    ).toBe('linearizable');
  });
});

describe('a history that no register explains', () => {
  it('has a stale read', () => {
    expect(verdict(put('a', 0, 1, 'x', 1), put('a', 2, 3, 'y', 2), get('b', 4, 5, 'x', 1))).toBe('violation');
  });

  it('has two reads that saw time go back, during one write', () => {
    const reads = [get('b', 2, 3, 'x', 1), get('c', 4, 5, undefined)];
    expect(verdict(put('a', 0, 10, 'x', 1), ...reads)).toBe('violation');
  });

  it('has a lost write', () => {
    expect(verdict(put('a', 0, 1, 'x', 1), get('b', 2, 3, undefined))).toBe('violation');
  });

  it('has a lost update: two comparisons with one revision both held', () => {
    const both = [
      cas('a', [2, 9], 'a', 1, { applied: true, revision: 2 }),
      cas('b', [2, 9], 'b', 1, { applied: true, revision: 3 }),
    ];
    expect(verdict(put('a', 0, 1, 'x', 1), ...both)).toBe('violation');
  });

  it('has a write applied twice', () => {
    expect(
      verdict(
        put('a', 0, 1, 'x', 1),
        put('b', 2, 3, 'y', 2),
        get('c', 4, 5, 'y', 2),
        get('c', 6, 7, 'x', 3), // x again, under a revision of its own
      ),
    ).toBe('violation');
    expect(verdict(put('b', 0, undefined, 'x'), get('c', 1, 2, 'x', 1), get('c', 3, 4, 'x', 2))).toBe(
      'violation',
    );
  });

  it('has a read of a value that nobody wrote, or before it was written', () => {
    expect(verdict(get('a', 0, 1, 'x'))).toBe('violation');
    expect(verdict(get('a', 0, 1, 'x', 1), put('b', 2, undefined, 'x'))).toBe('violation');
  });

  it('has a write that was refused for certain, and is read', () => {
    const refused: Operation = { ...at('a', 0, 1), kind: 'put', value: 'x', outcome: 'failed' };
    expect(verdict(refused, get('b', 2, 3, 'x', 1))).toBe('violation');
  });

  it('has revisions against real time', () => {
    expect(verdict(put('a', 0, 1, 'x', 5), put('a', 2, 3, 'y', 4))).toBe('violation');
  });

  it('has a deletion of what had been deleted', () => {
    expect(verdict(put('a', 0, 1, 'x', 1), del('a', 2, 3, true, 2), del('b', 4, 5, true, 3))).toBe(
      'violation',
    );
  });

  it('is told by its smallest window, as a story', () => {
    const long = Array.from({ length: 200 }, (_, i) => [
      put('a', 10 * i, 10 * i + 1, `v${i}`, i + 1),
      get('b', 10 * i + 2, 10 * i + 3, `v${i}`, i + 1),
    ]).flat();
    const stale = get('c', 1205, 1206, 'v118', 119);
    const { violations } = checkLinearizable([...long, stale]);
    expect(violations).toHaveLength(1);
    const [violation] = violations;
    expect(violation?.window).toHaveLength(2);
    expect(violation?.window).toContain(stale);
    expect(violation?.story.split('\n')).toEqual([
      'key k: no order in real time explains these answers (ms; whatever it held before)',
      '      0.0 – 1.0       b: get → "v120" (revision 121)',
      '      3.0 – 4.0       c: get → "v118" (revision 119)',
    ]);
  });
});

/** Tries every order: right by construction, and far too slow for more than a few operations. */
function bruteForce(history: readonly Operation[], register: Register = emptyRegister): boolean {
  const certain = history.filter((o) => o.outcome === 'ok');
  if (certain.length === 0) return true;
  const first = Math.min(...certain.map((o) => o.returnedAt ?? Infinity));
  return history.some((operation) => {
    if (operation.invokedAt > first || operation.outcome === 'failed') return false;
    if (operation.outcome === 'unknown' && operation.kind === 'get') return false;
    const next = step(register, operation);
    return (
      next !== undefined &&
      bruteForce(
        history.filter((o) => o !== operation),
        next,
      )
    );
  });
}

/** One answer changed: what a broken store might have said. */
function mutate(history: readonly Operation[], random: () => number): Operation[] {
  const i = Math.floor(random() * history.length);
  return history.map((operation, n) => {
    if (n !== i || operation.outcome !== 'ok') return operation;
    switch (operation.kind) {
      case 'get':
        return { ...operation, result: { value: `v${Math.floor(random() * 6)}` } };
      case 'put':
        return { ...operation, result: { revision: Math.floor(random() * 8) } };
      case 'delete':
        return { ...operation, result: { existed: operation.result?.existed !== true } };
      default:
        return { ...operation, result: { applied: operation.result?.applied !== true } };
    }
  });
}

describe('random histories', () => {
  it('of a sequential store pass, unknown outcomes and all', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const values = seed % 3 === 0 ? { values: 3 } : {};
      const history = randomHistory({
        seed,
        operations: 300,
        keys: 4,
        clients: 6,
        unknownPercent: 10,
        ...values,
      });
      expect(checkLinearizable(history), `seed ${seed}`).toMatchObject({ verdict: 'linearizable' });
    }
  });

  it('are judged as by trying every order', () => {
    const verdicts = { linearizable: 0, violation: 0 };
    for (let seed = 1; seed <= 4_000; seed++) {
      const random = randomFrom(seed);
      const true_ = randomHistory({
        seed,
        operations: 6,
        keys: 1,
        clients: 3,
        unknownPercent: seed % 2 === 0 ? 30 : 0,
        ...(seed % 4 < 2 ? { values: 2 } : {}),
      });
      const history = mutate(true_, random);
      const expected = bruteForce(history) ? 'linearizable' : 'violation';
      expect(checkLinearizable(history).verdict, `seed ${seed}`).toBe(expected);
      verdicts[expected]++;
    }
    expect(verdicts.linearizable).toBeGreaterThan(500);
    expect(verdicts.violation).toBeGreaterThan(500);
  });

  it('with a stale read fail, whichever read it is', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const history = randomHistory({ seed, operations: 400, keys: 3, clients: 5, unknownPercent: 5 });
      const random = randomFrom(seed);
      const stale = makeStale(history, random);
      expect(checkLinearizable(stale).verdict, `seed ${seed}`).toBe('violation');
    }
  });
});

/** Answers one read with what an earlier read of its key had got, before a write that had returned in between. */
function makeStale(history: readonly Operation[], random: () => number): Operation[] {
  const pairs = history.flatMap((late, l) => {
    if (late.kind !== 'get' || late.outcome !== 'ok') return [];
    const early = history.find(
      (o) =>
        o.kind === 'get' &&
        o.outcome === 'ok' &&
        o.key === late.key &&
        o.result?.value !== undefined &&
        history.some(
          (w) =>
            w.kind === 'put' &&
            w.outcome === 'ok' &&
            w.key === late.key &&
            w.invokedAt > (o.returnedAt ?? Infinity) &&
            (w.returnedAt ?? Infinity) < late.invokedAt,
        ),
    );
    return early?.kind === 'get' ? [{ l, result: early.result }] : [];
  });
  const chosen = pairs[Math.floor(random() * pairs.length)]!;
  return history.map((operation, i) =>
    i === chosen.l && operation.kind === 'get' && chosen.result !== undefined
      ? { ...operation, result: chosen.result }
      : operation,
  );
}

describe('the work', () => {
  it('of 100,000 operations takes seconds', () => {
    for (const keys of [1, 50]) {
      const history = randomHistory({
        seed: keys,
        operations: 100_000,
        keys,
        clients: 20,
        unknownPercent: 1,
      });
      const report = checkLinearizable(history);
      expect(report).toMatchObject({ verdict: 'linearizable', operations: 100_000, keys });
      expect(report.steps).toBeLessThan(3_000_000);
    }
  });

  it('ends with its budget, undecided, where guessing would take for ever', () => {
    // Forty writes at once, no revision told, and a read that nothing explains: 2^40 sets to rule out.
    const writes = Array.from({ length: 40 }, (_, i) => put(`c${i}`, 0, 10, `v${i}`));
    const report = checkLinearizable([...writes, get('a', 300, 301, 'nobody wrote this')], {
      budget: 20_000,
    });
    expect(report.verdict).toBe('undecided');
    expect(report.undecidedKeys).toEqual(['k']);
    expect(report.steps).toBeLessThanOrEqual(20_001);
  });
});
