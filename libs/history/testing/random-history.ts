import type { Operation } from '../src/index.js';

/** A seeded stream of numbers in [0, 1) (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface RandomHistoryOptions {
  readonly seed: number;
  readonly operations: number;
  readonly keys: number;
  readonly clients: number;
  /** Of a hundred operations, how many end in an error. */
  readonly unknownPercent: number;
  /** Values are drawn from so many; undefined: each write has its own. */
  readonly values?: number;
}

/**
 * What clients of a correct store see: each operation takes effect on one sequential store at an instant between its
 * invocation and its return. A client whose operation ends in an error goes on under another name, as its operation may
 * still take effect, much later.
 */
export function randomHistory(options: RandomHistoryOptions): Operation[] {
  const random = randomFrom(options.seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const store = new Map<string, { value: string; revision: number }>();
  const operations: Operation[] = [];
  const effects: { readonly at: number; readonly run: () => void }[] = [];
  const free = Array.from({ length: options.clients }, (_, c) => ({ name: `c${c}`, at: random() }));
  let revision = 0;
  for (let i = 0; i < options.operations; i++) {
    const client = free.reduce((a, b) => (b.at < a.at ? b : a));
    const invokedAt = client.at;
    const returnedAt = invokedAt + random() * 10;
    client.at = returnedAt + random() * 2;
    const unknown = pick(100) < options.unknownPercent;
    const key = `k${pick(options.keys)}`;
    const value = options.values === undefined ? `v${i}` : `v${pick(options.values)}`;
    const kind = pick(10);
    const name = unknown ? `${client.name}-${i}` : client.name;
    const base = { client: name, key, invokedAt, outcome: unknown ? ('unknown' as const) : ('ok' as const) };
    const at = unknown ? invokedAt + random() * 200 : invokedAt + random() * (returnedAt - invokedAt);
    const happens = !unknown || pick(2) === 0;
    const finish = (operation: object): void => {
      operations[i] = { ...operation, returnedAt: unknown ? undefined : returnedAt } as Operation;
    };
    const run = (): void => {
      const held = store.get(key);
      if (kind < 4) {
        if (happens) store.set(key, { value, revision: ++revision });
        finish({ ...base, kind: 'put', value, ...(unknown ? {} : { result: { revision } }) });
      } else if (kind < 7) {
        const result = { value: held?.value, revision: held?.revision, storeRevision: revision };
        finish({ ...base, kind: 'get', ...(unknown ? {} : { result }) });
      } else if (kind < 8) {
        if (happens && store.delete(key)) revision++;
        const result = held === undefined ? { existed: false } : { existed: true, revision };
        finish({ ...base, kind: 'delete', ...(unknown ? {} : { result }) });
      } else {
        const expectedRevision = pick(3) === 0 ? pick(revision + 1) : (held?.revision ?? 0);
        const applied = happens && expectedRevision === (held?.revision ?? 0);
        if (applied) store.set(key, { value, revision: ++revision });
        const result = applied ? { applied, revision } : { applied };
        finish({ ...base, kind: 'compareAndPut', value, expectedRevision, ...(unknown ? {} : { result }) });
      }
    };
    effects.push({ at, run });
  }
  effects.sort((a, b) => a.at - b.at);
  for (const effect of effects) effect.run();
  return operations;
}
