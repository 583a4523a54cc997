import { StorageError, type Storage, type WatchRequest } from '#libs/consensus';
import { beforeEach, describe, expect, it } from 'vitest';
import { role, storeFixture, type StoreFixture } from './store-fixture.js';
import { StoredKind } from './stored-kind.js';

let store: StoreFixture;
let seen: string[];
const listener = {
  put: (key: string) => void seen.push(`put ${key.slice(key.lastIndexOf('/') + 1)}`),
  remove: (key: string) => void seen.push(`remove ${key.slice(key.lastIndexOf('/') + 1)}`),
};
const group = 'rbac.authorization.k8s.io';

beforeEach(() => {
  store = storeFixture();
  seen = [];
});

describe('StoredKind', () => {
  it('hands over what was there and what came since, once, when asked', async () => {
    await store.put('clusterroles', role('a', []));
    const kind = new StoredKind(store.storage, store.decoded, group, 'clusterroles', listener);
    await store.put('clusterroles', role('b', []));
    await store.put('clusterroles', role('b', []));
    await store.put('roles', role('other', [], 'ns'));
    expect(seen).toEqual([]);
    expect(kind.settle()).toBe(true);
    expect(seen).toEqual(['put a', 'put b']);
    expect(kind.settle()).toBe(false);
    await store.remove(group, 'clusterroles', 'a');
    kind.settle();
    expect(seen).toEqual(['put a', 'put b', 'remove a']);
  });

  it('reads everything anew when the history is lost, what is gone included', async () => {
    let deaf = false;
    let lose: WatchRequest['onLost'];
    const { storage } = store;
    const lossy = {
      range: (query) => storage.range(query),
      watch(request, watchListener) {
        lose = request.onLost;
        return storage.watch(request, (events, revision) => {
          if (!deaf) watchListener(events, revision);
        });
      },
    } satisfies Partial<Storage> as unknown as Storage;
    await store.put('clusterroles', role('stays', []));
    await store.put('clusterroles', role('goes', []));
    const kind = new StoredKind(lossy, store.decoded, group, 'clusterroles', listener);
    kind.settle();
    seen = [];
    deaf = true;
    await store.remove(group, 'clusterroles', 'goes');
    await store.put('clusterroles', role('comes', []));
    expect(kind.settle()).toBe(false);
    deaf = false;
    lose?.(new StorageError('Compacted', 'history is gone'));
    kind.settle();
    expect([...seen].sort()).toEqual(['put comes', 'put stays', 'remove goes']);
    await store.put('clusterroles', role('later', []));
    kind.settle();
    expect(seen).toContain('put later');
  });
});
