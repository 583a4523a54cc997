import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubernetesObject, Status } from '#libs/apimachinery';
import { StorageError } from '#libs/consensus';
import { TestServer } from '../testing/test-server.js';

let api: TestServer;
beforeEach(async () => {
  api = new TestServer();
  await api.namespace('default');
});
afterEach(async () => {
  expect(api.faults).toEqual([]);
  await api.close();
});

const configMaps = '/api/v1/namespaces/default/configmaps';
const put = (name: string, labels: Record<string, string> = {}, data: Record<string, string> = {}) =>
  api.json('PUT', `${configMaps}/${name}`, { metadata: { name, labels }, data });
const make = (name: string, labels: Record<string, string> = {}) =>
  api.create(configMaps, { metadata: { name, labels } });

describe('where a watch begins', () => {
  it('without a resourceVersion it announces what exists, then goes on', async () => {
    await make('a');
    const watch = await api.watch(`${configMaps}?watch=1`);
    await make('b');
    await watch.first(2);
    expect(watch.summary()).toEqual(['ADDED a', 'ADDED b']);
  });

  it('at an old revision it replays the history in order, each change once', async () => {
    const from = api.storage.revision;
    await make('a');
    await put('a', {}, { k: '1' });
    await api.json('DELETE', `${configMaps}/a`);
    const watch = await api.watch(`${configMaps}?watch=1&resourceVersion=${from}`);
    await make('b');
    await watch.first(4);
    expect(watch.summary()).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b']);
  });

  it('at a compacted revision it is refused with 410', async () => {
    const from = api.storage.revision;
    await make('a');
    await make('b');
    api.storage.compact(api.storage.revision);
    expect(await api.fails('GET', `${configMaps}?watch=1&resourceVersion=${from}`)).toMatchObject({
      code: 410,
      reason: 'Expired',
    });
  });

  it('with sendInitialEvents it closes the announcement with an annotated bookmark', async () => {
    await make('a');
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const watch = await api.watch(`${configMaps}?${query}`);
    const [added, bookmark] = await watch.first(2);
    expect(added).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    expect(bookmark).toEqual({
      type: 'BOOKMARK',
      object: {
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: {
          resourceVersion: String(api.storage.revision),
          annotations: { 'k8s.io/initial-events-end': 'true' },
        },
      },
    });
  });

  it('refuses sendInitialEvents without the match that it needs', async () => {
    const status = await api.fails('GET', `${configMaps}?watch=1&sendInitialEvents=true`);
    expect(status).toMatchObject({ code: 422 });
    expect(status.message).toContain(
      'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    );
  });
});

describe('selectors', () => {
  it('turn a change into ADDED and DELETED as the object enters and leaves', async () => {
    const watch = await api.watch(
      `${configMaps}?watch=1&resourceVersion=${api.storage.revision}&labelSelector=on%3Dyes`,
    );
    await make('a', { on: 'no' });
    await put('a', { on: 'yes' }, { k: '1' });
    await put('a', { on: 'yes' }, { k: '2' });
    await put('a', { on: 'no' }, { k: '3' });
    await make('end', { on: 'yes' });
    await watch.first(4);
    expect(watch.summary()).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED end']);
    const [, modified, deleted, end] = watch.events;
    expect(deleted!.object['data']).toEqual(modified!.object['data']);
    const revisions = [modified, deleted, end].map((event) => Number(event!.object.metadata.resourceVersion));
    expect(revisions[1]).toBe(revisions[0]! + 1);
    expect(revisions[2]).toBe(revisions[1]! + 1);
  });

  it('by name follow one object', async () => {
    const watch = await api.watch(
      `${configMaps}?watch=1&resourceVersion=${api.storage.revision}&fieldSelector=metadata.name%3Db`,
    );
    for (const name of ['a', 'ab', 'b']) await make(name);
    await watch.first(1);
    expect(watch.summary()).toEqual(['ADDED b']);
  });

  it('by node bring a kubelet its pods alone', async () => {
    await api.create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    const watch = await api.watch(
      `/api/v1/pods?watch=1&resourceVersion=${api.storage.revision}&fieldSelector=spec.nodeName%3Dn1`,
    );
    const pods = '/api/v1/namespaces/default/pods';
    const containers = [{ name: 'c', image: 'i' }];
    await api.create(pods, { metadata: { name: 'p1' }, spec: { containers } });
    await api.create(pods, { metadata: { name: 'p2' }, spec: { containers, nodeName: 'n2' } });
    await api.json('POST', `${pods}/p1/binding`, {
      metadata: { name: 'p1' },
      target: { kind: 'Node', name: 'n1' },
    });
    await watch.first(1);
    expect(watch.summary()).toEqual(['ADDED p1']);
  });
});

describe('all watchers', () => {
  it('see the same order, and share the bytes of each event', async () => {
    const watches = await Promise.all(
      Array.from({ length: 5 }, () =>
        api.watch(`${configMaps}?watch=1&resourceVersion=${api.storage.revision}`),
      ),
    );
    await Promise.all(Array.from({ length: 20 }, (_, at) => make(`c${at}`)));
    const seen = await Promise.all(watches.map((watch) => watch.first(20)));
    for (const events of seen) expect(events).toEqual(seen[0]);
    expect(watches[1]!.frames[0]).toBe(watches[0]!.frames[0]);
  });

  it('are not disturbed by one whose sink throws', async () => {
    const from = api.storage.revision;
    const good = await api.watch(`${configMaps}?watch=1&resourceVersion=${from}`);
    const bad = await api.watch(`${configMaps}?watch=1&resourceVersion=${from}`);
    bad.write = () => {
      throw new Error('this sink is broken');
    };
    await make('a');
    await make('b');
    await good.first(2);
    expect(good.summary()).toEqual(['ADDED a', 'ADDED b']);
    expect(api.faults.splice(0).length).toBeGreaterThan(0);
  });
});

describe('a slow watcher', () => {
  it('reads on where it left off once it has room, from the ring', async () => {
    const watch = await api.watch(`${configMaps}?watch=1&resourceVersion=${api.storage.revision}`);
    watch.stalled = true;
    for (let at = 0; at < 10; at++) await make(`c${at}`);
    expect(watch.events.length).toBe(1);
    watch.resume();
    await watch.first(10);
    expect(watch.summary()).toEqual(Array.from({ length: 10 }, (_, at) => `ADDED c${at}`));
  });

  it('is cut with an ERROR event after 30 s of reading nothing', async () => {
    const watch = await api.watch(`${configMaps}?watch=1&resourceVersion=${api.storage.revision}`);
    watch.stalled = true;
    await make('a');
    api.clock.advance(30_000);
    const events = await watch.closed();
    expect(events.at(-1)).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 429 } });
  });

  it('is told 410 when its place has been compacted away', async () => {
    const watch = await api.watch(`${configMaps}?watch=1&resourceVersion=${api.storage.revision}`);
    watch.stalled = true;
    // Beyond what the ring holds.
    for (let batch = 0; batch < 50; batch++)
      await Promise.all(Array.from({ length: 100 }, (_, at) => make(`c${batch}-${at}`)));
    api.storage.compact(api.storage.revision);
    watch.resume();
    const events = await watch.closed();
    expect(events.at(-1)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    expect((events.at(-1)!.object as unknown as Status).message).toContain('too old');
  });
});

describe('a replica that took a snapshot', () => {
  it('tells its watchers 410 and serves new ones', async () => {
    const from = api.storage.revision;
    const open = api.storage.watch.bind(api.storage);
    const losers: (() => void)[] = [];
    api.storage.watch = (request, listener) => {
      const watcher = open(request, listener);
      losers.push(() => {
        watcher.close();
        request.onLost?.(new StorageError('Compacted', 'the snapshot skips it'));
      });
      return watcher;
    };
    const watch = await api.watch(`${configMaps}?watch=1&resourceVersion=${from}`);
    losers[0]!();
    const events = await watch.closed();
    expect(events).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
    const next = await api.watch(`${configMaps}?watch=1&resourceVersion=${api.storage.revision}`);
    await make('a');
    await next.first(1);
    expect(next.summary()).toEqual(['ADDED a']);
  });
});

describe('time', () => {
  it('brings a bookmark every minute to those who asked, at the revision of the store', async () => {
    const watch = await api.watch(
      `${configMaps}?watch=1&resourceVersion=${api.storage.revision}&allowWatchBookmarks=true`,
    );
    await api.namespace('elsewhere');
    api.clock.advance(60_000);
    expect(watch.events).toMatchObject([
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: String(api.storage.revision) } } },
    ]);
  });

  it('ends the watch after timeoutSeconds', async () => {
    const watch = await api.watch(
      `${configMaps}?watch=1&resourceVersion=${api.storage.revision}&timeoutSeconds=5`,
    );
    api.clock.advance(5000);
    expect(watch.ended).toBe(true);
    expect(watch.events).toEqual([]);
    expect(api.server.watchers().get('configmaps')).toBe(0);
  });
});

describe('forms', () => {
  it('Table rows for kubectl get -w', async () => {
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    const watch = await api.watch(`${configMaps}?watch=1`, { headers });
    api.clock.advance(10_000);
    await make('a');
    const [event] = await watch.first(1);
    expect(event).toMatchObject({
      type: 'ADDED',
      object: { kind: 'Table', rows: [{ cells: ['a', 0, '0s'] }] },
    });
  });

  it('decoded, shared objects for callers in this process', async () => {
    const one = await api.watch(`${configMaps}?watch=1`, { wantsObject: true });
    const two = await api.watch(`${configMaps}?watch=1`, { wantsObject: true });
    await make('a');
    const [[first], [second]] = await Promise.all([one.first(1), two.first(1)]);
    expect(first!.object).toBe(second!.object);
    const got = await api.json<KubernetesObject>('GET', `${configMaps}/a`, undefined, { wantsObject: true });
    expect(got.body).toBe(first!.object);
  });
});
