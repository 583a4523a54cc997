import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asRevision, createStore, encodeCommand, inRange, restoreStore, unboundedEnd } from '#libs/mvcc';
import type { Command, Store } from '#libs/mvcc';
import type { WatchRequest } from './storage.js';
import { WatchHub } from './watch-hub.js';

type Body<T = Command> = T extends Command ? Omit<T, 'id'> : never;

function apply(store: Store, body: Body): ReturnType<Store['apply']> {
  const sequence = store.appliedIndex + 1;
  const command = { ...body, id: { session: 1, sequence, answeredBelow: sequence } } as Command;
  return store.apply(sequence, 1, encodeCommand(command));
}
const put = (store: Store, key: string): ReturnType<Store['apply']> =>
  apply(store, {
    type: 'txn',
    compare: [],
    success: [{ type: 'put', key, value: new Uint8Array(0) }],
    failure: [],
  });

function record(hub: WatchHub, request: WatchRequest): string[] {
  const seen: string[] = [];
  hub.watch(request, (events) =>
    seen.push(...events.map((e) => `${e.keyValue.key}@${e.keyValue.modRevision}`)),
  );
  return seen;
}

const createHub = (store: Store): WatchHub =>
  new WatchHub(store, {
    onListenerError: (error) => {
      throw error;
    },
  });

it('a watcher that comes from a replica ahead of this one hears of nothing that it has had, nor that time went back', () => {
  const store = createStore();
  put(store, 'a/1');
  const hub = createHub(store);
  const told: [string, number][] = [];
  hub.watch({ start: 'a/', end: 'a0', fromRevision: asRevision(5) }, (events, revision) =>
    told.push([events.map(({ keyValue }) => keyValue.key).join(), revision]),
  );
  for (const key of ['a/2', 'a/3', 'a/4', 'a/5']) {
    hub.deliver(put(store, key)!.events, store.revision);
    hub.progress();
  }
  expect(told).toEqual([
    ['a/4', 5],
    ['a/5', 6],
  ]);
});

describe('when the store is replaced by a newer one', () => {
  it('watchers get exactly what they missed', () => {
    const store = createStore();
    const ahead = createStore();
    for (const each of [store, ahead]) put(each, 'a/1');
    const hub = createHub(store);
    const seen = record(hub, { start: 'a/', end: 'a0', fromRevision: asRevision(2) });
    for (const key of ['a/2', 'b', 'a/3']) put(ahead, key);
    const restored = restoreStore(ahead.snapshot());
    hub.replaceStore(restored);
    hub.deliver(put(restored, 'a/4')!.events, restored.revision);
    expect(seen).toEqual(['a/1@2', 'a/2@3', 'a/3@5', 'a/4@6']);
  });

  it('a watcher whose history is gone is closed and told from where it can read', () => {
    const store = createStore();
    const ahead = createStore();
    const hub = createHub(store);
    const lost: (number | undefined)[] = [];
    const seen: string[] = [];
    const note = (key: string): number => seen.push(key);
    hub.watch(
      {
        start: '',
        end: unboundedEnd,
        onLost: ({ code, firstAvailable }) => lost.push(code === 'Compacted' ? firstAvailable : 0),
      },
      (events) => events.forEach((e) => note(e.keyValue.key)),
    );
    for (const key of ['a', 'b', 'c']) put(ahead, key);
    apply(ahead, { type: 'compact', revision: asRevision(4) });
    hub.replaceStore(restoreStore(ahead.snapshot()));
    expect(lost).toEqual([4]);
    expect(hub.watcherCount).toBe(0);
    expect(seen).toEqual([]);
  });
});

describe('any set of ranges, opened and closed in any order', () => {
  it('gets exactly the events of its keys', () => {
    const key = fc.constantFrom('a', 'a/1', 'a/2', 'b', 'b/1', 'c');
    const end = fc.option(fc.constantFrom('a/', 'a/2', 'b', 'c', 'd', unboundedEnd), { nil: undefined });
    const step = fc.oneof(
      fc.record({ type: fc.constant('watch' as const), start: key, end }),
      fc.record({ type: fc.constant('close' as const), which: fc.nat(20) }),
      fc.record({ type: fc.constant('put' as const), key }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = createStore();
        const hub = createHub(store);
        const watched: { seen: string[]; expected: string[]; close: () => void; request: WatchRequest }[] =
          [];
        const open = new Set<(typeof watched)[number]>();
        for (const move of steps) {
          if (move.type === 'watch') {
            const request = { start: move.start, end: move.end };
            const seen: string[] = [];
            const { close } = hub.watch(request, (events) => seen.push(...events.map((e) => e.keyValue.key)));
            const each = { seen, expected: [], close, request };
            watched.push(each);
            open.add(each);
          } else if (move.type === 'close') {
            const each = watched[move.which];
            each?.close();
            if (each !== undefined) open.delete(each);
          } else {
            for (const each of open) {
              const { start } = each.request;
              if (inRange(move.key, start, each.request.end ?? `${start}\0`)) each.expected.push(move.key);
            }
            hub.deliver(put(store, move.key)!.events, store.revision);
          }
        }
        for (const each of watched) expect(each.seen).toEqual(each.expected);
        expect(hub.watcherCount).toBe(open.size);
      }),
      { numRuns: 200 },
    );
  });
});
