import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubernetesObject } from '#libs/apimachinery';
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
const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

describe('create', () => {
  it('stores the object with uid, creation time, namespace and the revision of its write', async () => {
    const created = await api.create(configMaps, configMap('a', { k: 'v' }));
    expect(created).toMatchObject({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default', creationTimestamp: '2026-01-02T03:04:05Z' },
      data: { k: 'v' },
    });
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.metadata.resourceVersion).toBe(String(api.storage.revision));
    const got = await api.json('GET', `${configMaps}/a`);
    expect(got.body).toEqual(created);
  });

  it('refuses a name that is taken', async () => {
    await api.create(configMaps, configMap('a'));
    expect(await api.fails('POST', configMaps, configMap('a'))).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
      details: { name: 'a', kind: 'configmaps' },
    });
  });

  it('makes a name from generateName', async () => {
    const created = await api.create(configMaps, { metadata: { generateName: 'job-' } });
    expect(created.metadata.name).toMatch(/^job-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });
});

describe('update', () => {
  it('writes over the version that it names and refuses an older one', async () => {
    const first = await api.create(configMaps, configMap('a', { k: '1' }));
    const second = await api.json('PUT', `${configMaps}/a`, { ...first, data: { k: '2' } });
    expect(second.status).toBe(200);
    expect(await api.fails('PUT', `${configMaps}/a`, { ...first, data: { k: '3' } })).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  it('writes nothing when nothing changes', async () => {
    const first = await api.create(configMaps, configMap('a', { k: '1' }));
    const before = api.storage.revision;
    const again = await api.json('PUT', `${configMaps}/a`, configMap('a', { k: '1' }));
    expect(again.body.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(api.storage.revision).toBe(before);
  });
});

describe('delete', () => {
  it('answers with a Status that names what was deleted', async () => {
    const created = await api.create(configMaps, configMap('a'));
    const answer = await api.json('DELETE', `${configMaps}/a`);
    expect(answer.body).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'a', kind: 'configmaps', uid: created.metadata.uid },
    });
    expect(await api.fails('GET', `${configMaps}/a`)).toMatchObject({ code: 404, reason: 'NotFound' });
  });

  it('waits for finalizers and goes with the last of them', async () => {
    await api.create(configMaps, { metadata: { name: 'a', finalizers: ['example.com/hold'] } });
    const answer = await api.json('DELETE', `${configMaps}/a`);
    expect(answer.body.metadata.deletionTimestamp).toBe('2026-01-02T03:04:05Z');
    const got = (await api.json('GET', `${configMaps}/a`)).body;
    await api.json('PUT', `${configMaps}/a`, { ...got, metadata: { ...got.metadata, finalizers: [] } });
    expect(await api.fails('GET', `${configMaps}/a`)).toMatchObject({ code: 404 });
  });
});

describe('list and watch', () => {
  it('lists what is stored, in order, at the revision of the list', async () => {
    for (const name of ['c', 'a', 'b']) await api.create(configMaps, configMap(name));
    const list = await api.json<{ kind: string; metadata: object; items: KubernetesObject[] }>(
      'GET',
      configMaps,
    );
    expect(list.body.kind).toBe('ConfigMapList');
    expect(list.body.metadata).toEqual({ resourceVersion: String(api.storage.revision) });
    expect(list.body.items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
  });

  it('delivers every change after the revision, once and in order', async () => {
    const from = api.storage.revision;
    const watch = await api.watch(`${configMaps}?watch=true&resourceVersion=${from}`);
    const created = await api.create(configMaps, configMap('a', { k: '1' }));
    await api.json('PUT', `${configMaps}/a`, { ...created, data: { k: '2' } });
    await api.json('DELETE', `${configMaps}/a`);
    await watch.first(3);
    expect(watch.summary()).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
    const [, modified, deleted] = watch.events;
    expect(deleted!.object).toEqual({
      ...modified!.object,
      metadata: { ...modified!.object.metadata, resourceVersion: String(api.storage.revision) },
    });
    watch.stop();
  });
});

describe('events', () => {
  it('of one minute expire together, an hour later', async () => {
    const url = '/api/v1/namespaces/default/events';
    const event = (name: string) => ({
      metadata: { name },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'Test',
    });
    await api.create(url, event('e1'));
    await api.create(url, event('e2'));
    const keys = ['e1', 'e2'].map((name) => `default/${name}`);
    const { keyValues } = api.storage.range({ start: '/registry/', end: '/registry0' });
    const events = keyValues.filter(({ key }) => keys.some((each) => key.endsWith(each)));
    const leases = new Set(events.map(({ lease }) => lease));
    expect(events).toHaveLength(2);
    expect(leases.size).toBe(1);
    expect(leases.has(0)).toBe(false);
    for (const lease of leases) await api.storage.revokeLease(lease);
    expect(await api.fails('GET', `${url}/e1`)).toMatchObject({ code: 404 });
  });
});
