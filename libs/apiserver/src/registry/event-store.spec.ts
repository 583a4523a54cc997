import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStorage, StorageError, type MemoryStorage } from '#libs/consensus';
import { TestServer } from '../testing/test-server.js';
import type { EventStore } from './event-store.js';

const events = '/api/v1/namespaces/default/events';
const event = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name },
  involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
  reason: 'Tested',
});

describe('Events with a store of their own', () => {
  let away: StorageError | undefined;
  let kept: MemoryStorage;
  let server: TestServer;
  beforeEach(async () => {
    away = undefined;
    kept = createMemoryStorage();
    const store: EventStore = Object.assign(kept, {
      requireAvailable() {
        if (away !== undefined) throw away;
      },
    });
    server = new TestServer({ eventStore: store });
    await server.namespace('default');
  });
  afterEach(async () => {
    await server.close();
    await kept.close();
  });

  it('are written and read there, in both their groups, and nothing else is', async () => {
    const before = server.storage.revision;
    await server.create(events, event('a'));
    expect(server.storage.revision).toBe(before);
    expect(kept.range({ start: '/', end: '0' }).keyValues).toHaveLength(1);
    const list = await server.json('GET', '/apis/events.k8s.io/v1/namespaces/default/events');
    expect(list.body).toMatchObject({
      metadata: { resourceVersion: String(kept.revision) },
      items: [{ apiVersion: 'events.k8s.io/v1', metadata: { name: 'a' } }],
    });
    await server.create('/api/v1/namespaces/default/configmaps', { metadata: { name: 'c' } });
    expect(server.storage.revision).toBe(before + 1);
    expect(server.server.objectCounts().get('events')).toBe(1);
  });

  it('are refused in a namespace that is not there, though its store knows none', async () => {
    const refused = await server.fails('POST', '/api/v1/namespaces/nowhere/events', event('a'));
    expect(refused).toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' });
  });

  it('are answered 503 by every verb while it is away; other kinds do not notice', async () => {
    away = new StorageError('Unavailable', 'the events store is away');
    for (const [method, url, body] of [
      ['POST', events, event('a')],
      ['GET', events],
      ['GET', `${events}?resourceVersion=0`],
      ['GET', `${events}?watch=true&resourceVersion=1`],
      ['DELETE', `${events}/a`],
      ['DELETE', events],
    ] as const) {
      expect(await server.fails(method, url, body), `${method} ${url}`).toMatchObject({
        code: 503,
        message: 'the events store is away',
        reason: 'ServiceUnavailable',
        details: { retryAfterSeconds: 1, causes: [{ reason: 'StoreUnavailable' }] },
      });
    }
    expect((await server.request('GET', '/api/v1/namespaces/default/configmaps')).status).toBe(200);
    expect(server.faults).toEqual([]);
  });
});
