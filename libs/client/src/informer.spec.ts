import { describe, expect, it } from 'vitest';
import { ApiError, type KubernetesObject } from '#libs/apimachinery';
import { createClient } from './client.js';
import { createFakeClock } from './clock.js';
import { createInformer } from './informer.js';
import type { Transport, TransportRequest, WatchSink } from './transport.js';

type Type = Parameters<WatchSink['onEvent']>[0];

function pod(
  name: string,
  resourceVersion: number,
  extra: Partial<KubernetesObject['metadata']> = {},
): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      resourceVersion: String(resourceVersion),
      ...extra,
    },
  };
}

/** A server whose answers the test gives by hand: each request waits until the test answers it. */
function createScriptedServer() {
  const lists: {
    request: TransportRequest;
    answer: (body: unknown) => void;
    fail: (error: Error) => void;
  }[] = [];
  const watches: {
    request: TransportRequest;
    send: (type: Type, object: unknown) => void;
    end: (error?: Error) => void;
    closed: boolean;
  }[] = [];
  let refuseWatch: ApiError | undefined;
  const transport: Transport = {
    request: (request) =>
      new Promise((resolve, reject) => {
        lists.push({ request, answer: (body) => resolve({ status: 200, body }), fail: reject });
      }),
    watch: async (request, sink) => {
      request.signal?.throwIfAborted();
      if (refuseWatch !== undefined) {
        const error = refuseWatch;
        refuseWatch = undefined;
        throw error;
      }
      const watch = {
        request,
        closed: false,
        send: (type: Type, object: unknown) => sink.onEvent(type, object),
        end: (error?: Error) => {
          if (watch.closed) return;
          watch.closed = true;
          sink.onEnd(error);
        },
      };
      watches.push(watch);
      request.signal?.addEventListener('abort', () => watch.end());
      return { close: () => watch.end() };
    },
  };
  return {
    transport,
    lists,
    watches,
    refuseNextWatch: (error: ApiError) => (refuseWatch = error),
  };
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
const listOf = (resourceVersion: number, items: KubernetesObject[], next?: string) => ({
  kind: 'PodList',
  apiVersion: 'v1',
  metadata: { resourceVersion: String(resourceVersion), ...(next === undefined ? {} : { continue: next }) },
  items,
});

function setUp(initial: 'list' | 'stream' = 'list') {
  const server = createScriptedServer();
  const clock = createFakeClock();
  const stop = new AbortController();
  const errors: unknown[] = [];
  const informer = createInformer({
    client: createClient(server.transport).resource({ group: '', version: 'v1', resource: 'pods' }),
    clock,
    random: () => 0,
    initial,
    onError: (error) => errors.push(error),
    indexers: { node: (object) => [object.metadata.labels?.['node'] ?? ''] },
  });
  const log: string[] = [];
  informer.addHandler({
    add: (object) => log.push(`add ${object.metadata.name}`),
    update: (object, previous) =>
      log.push(
        `update ${object.metadata.name} ${previous.metadata.resourceVersion}>${object.metadata.resourceVersion}`,
      ),
    delete: (object) => log.push(`delete ${object.metadata.name}`),
  });
  const running = informer.start(stop.signal);
  return { server, clock, stop, informer, log, errors, running };
}

describe('informer', () => {
  it('pages through the list, then watches from the list’s revision and follows in order', async () => {
    const { server, informer, log, stop, running } = setUp();
    server.lists[0]?.answer(listOf(10, [pod('a', 5)], 'more'));
    await until(() => server.lists.length === 2);
    expect(server.lists[1]?.request.query?.['continue']).toBe('more');
    expect(informer.hasSynced).toBe(false);
    server.lists[1]?.answer(listOf(10, [pod('b', 6)]));
    await informer.synced();
    await until(() => server.watches.length === 1);
    const watch = server.watches[0];
    expect(watch?.request.query).toMatchObject({ resourceVersion: '10', allowWatchBookmarks: 'true' });
    watch?.send('ADDED', pod('c', 11));
    watch?.send('MODIFIED', pod('a', 12));
    watch?.send('DELETED', pod('b', 13));
    watch?.send('BOOKMARK', { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: '20' } });
    expect(log).toEqual(['add a', 'add b', 'add c', 'update a 5>12', 'delete b']);
    expect(informer.resourceVersion).toBe('20');
    stop.abort();
    await running;
  });

  it('caches objects without managedFields, one copy for all informers of the process', async () => {
    const managedFields = [{ manager: 'm', operation: 'Update' as const, apiVersion: 'v1' }];
    const listed = pod('a', 5, { managedFields, labels: { node: 'n' } });
    const cached = await Promise.all(
      [setUp(), setUp()].map(async ({ server, informer, stop, running }) => {
        server.lists[0]?.answer(listOf(10, [listed]));
        await informer.synced();
        await until(() => server.watches.length === 1);
        server.watches[0]?.send('ADDED', pod('b', 11, { managedFields }));
        stop.abort();
        await running;
        return [informer.lister.get('default', 'a'), informer.lister.get('default', 'b')];
      }),
    );
    expect(cached[0]).toEqual([pod('a', 5, { labels: { node: 'n' } }), pod('b', 11)]);
    expect(cached[0]?.[0]).toBe(cached[1]?.[0]);
    expect(listed.metadata.managedFields).toBe(managedFields);
  });

  it('resumes a broken watch from where it stopped, without listing again', async () => {
    const { server, clock, informer, errors, stop, running } = setUp();
    server.lists[0]?.answer(listOf(10, []));
    await until(() => server.watches.length === 1);
    server.watches[0]?.send('ADDED', pod('a', 11));
    server.watches[0]?.end(new Error('connection reset'));
    await until(() => clock.pending > 0);
    clock.advance(100);
    await until(() => server.watches.length === 2);
    expect(server.watches[1]?.request.query?.['resourceVersion']).toBe('11');
    expect(server.lists).toHaveLength(1);
    expect(errors).toHaveLength(1);
    expect(informer.lister.size).toBe(1);
    stop.abort();
    await running;
  });

  it('reopens a watch that ended in its time at once', async () => {
    const { server, clock, stop, running } = setUp();
    server.lists[0]?.answer(listOf(10, []));
    await until(() => server.watches.length === 1);
    clock.advance(300_000);
    server.watches[0]?.end();
    await until(() => server.watches.length === 2);
    expect(clock.pending).toBe(0);
    stop.abort();
    await running;
  });

  it.each(['refused', 'in the stream'])(
    'lists again on 410 (%s) and reports only the difference',
    async (how) => {
      const { server, clock, log, informer, stop, running } = setUp();
      const gone = new ApiError(410, 'Expired', 'too old resource version');
      if (how === 'refused') server.refuseNextWatch(gone);
      server.lists[0]?.answer(
        listOf(10, [pod('same', 1), pod('changed', 2), pod('gone', 3), pod('remade', 4)]),
      );
      if (how !== 'refused') {
        await until(() => server.watches.length === 1);
        server.watches[0]?.send('ERROR', gone.toStatus());
      }
      await until(() => clock.pending > 0);
      log.length = 0;
      clock.advance(100);
      await until(() => server.lists.length === 2);
      server.lists[1]?.answer(
        listOf(30, [
          pod('same', 1),
          pod('changed', 22),
          pod('new', 23),
          pod('remade', 24, { uid: 'another' }),
        ]),
      );
      await until(() => informer.resourceVersion === '30');
      expect(log).toEqual(['delete gone', 'update changed 2>22', 'add new', 'delete remade', 'add remade']);
      stop.abort();
      await running;
    },
  );

  it('keeps trying to list while the server refuses, with growing delays', async () => {
    const { server, clock, informer, errors, stop, running } = setUp();
    for (let failure = 0; failure < 3; failure++) {
      server.lists[failure]?.fail(new ApiError(503, 'ServiceUnavailable', 'no quorum'));
      await until(() => clock.pending > 0);
      clock.advance(50 * 2 ** failure - 1);
      expect(server.lists).toHaveLength(failure + 1);
      clock.advance(1);
      await until(() => server.lists.length === failure + 2);
    }
    server.lists[3]?.answer(listOf(1, []));
    await informer.synced();
    expect(errors).toHaveLength(3);
    stop.abort();
    await running;
  });

  it('takes its first state from the watch where asked to, and is synced by the closing bookmark', async () => {
    const { server, informer, log, stop, running } = setUp('stream');
    await until(() => server.watches.length === 1);
    expect(server.watches[0]?.request.query).toMatchObject({
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
    });
    server.watches[0]?.send('ADDED', pod('a', 5));
    expect(informer.hasSynced).toBe(false);
    server.watches[0]?.send('BOOKMARK', {
      metadata: { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } },
    });
    expect(informer.hasSynced).toBe(true);
    server.watches[0]?.send('ADDED', pod('b', 10));
    expect(log).toEqual(['add a', 'add b']);
    expect(server.lists).toHaveLength(0);
    stop.abort();
    await running;
  });

  it('keeps indexes right through changes and gives late handlers what is there', async () => {
    const { server, informer, errors, stop, running } = setUp();
    server.lists[0]?.answer(listOf(1, [pod('a', 1, { labels: { node: 'n1' } })]));
    await until(() => server.watches.length === 1);
    server.watches[0]?.send('ADDED', pod('b', 2, { labels: { node: 'n1' } }));
    server.watches[0]?.send('MODIFIED', pod('a', 3, { labels: { node: 'n2' } }));
    const names = (value: string) =>
      informer.lister.byIndex('node', value).map((object) => object.metadata.name);
    expect([names('n1'), names('n2'), names('n3')]).toEqual([['b'], ['a'], []]);
    const late: string[] = [];
    informer.addHandler({ add: (object) => void late.push(object.metadata.name ?? '') });
    expect(late).toEqual(['a', 'b']);
    informer.addHandler({
      update: () => {
        throw new Error('bad handler');
      },
    });
    server.watches[0]?.send('MODIFIED', pod('b', 4));
    expect(errors).toHaveLength(1);
    expect(names('n1')).toEqual([]);
    stop.abort();
    await running;
  });
});
