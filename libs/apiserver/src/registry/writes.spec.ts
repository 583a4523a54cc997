import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubernetesObject } from '#libs/apimachinery';
import { StorageError } from '#libs/consensus';
import { TestServer } from '../testing/test-server.js';

let api: TestServer;
beforeEach(async () => {
  api = new TestServer();
  await api.namespace('default');
  await api.create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterEach(async () => {
  expect(api.faults).toEqual([]);
  await api.close();
});

const configMaps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const podSpec = { containers: [{ name: 'c', image: 'i' }] };
const deployment = (name: string, replicas = 1) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: podSpec },
  },
});
const type = (contentType: string) => ({
  headers: { 'content-type': contentType, 'user-agent': 'kubectl/v1' },
});
const merge = type('application/merge-patch+json');
const get = async (url: string) => (await api.json('GET', url)).body;

describe('bad bodies', () => {
  it.each([
    ['malformed JSON', '{"metadata":', 400, 'json parse error'],
    ['no object', '[]', 400, 'not a JSON object'],
    ['another kind', { kind: 'Secret', metadata: { name: 'a' } }, 400, 'cannot be handled as a ConfigMap'],
    [
      'another version',
      { apiVersion: 'v2', metadata: { name: 'a' } },
      400,
      'does not match the expected API version',
    ],
    ['a wrong type', { metadata: { name: 'a' }, data: { k: 1 } }, 400, 'cannot be handled as a ConfigMap'],
    ['no name', { metadata: {} }, 422, 'name or generateName is required'],
    ['a bad name', { metadata: { name: 'No!' } }, 422, 'metadata.name: Invalid value'],
    ['another namespace', { metadata: { name: 'a', namespace: 'b' } }, 400, 'does not match the namespace'],
    [
      'a resourceVersion',
      { metadata: { name: 'a', resourceVersion: '5' } },
      400,
      'resourceVersion should not be set',
    ],
  ])('%s is refused with what is wrong', async (_what, body, code, text) => {
    const status = await api.fails('POST', configMaps, body);
    expect(status.code).toBe(code);
    expect(status.message).toContain(text);
  });

  it('unknown and duplicate fields: Strict refuses, Warn warns, Ignore is silent', async () => {
    const body = '{"metadata":{"name":"a"},"data":{"k":"1","k":"2"},"nonsense":1}';
    const strict = await api.fails('POST', `${configMaps}?fieldValidation=Strict`, body);
    expect(strict).toMatchObject({ code: 400 });
    expect(strict.message).toContain('unknown field "nonsense"');
    expect(strict.message).toContain('duplicate field "data.k"');
    const warned = await api.json('POST', `${configMaps}?fieldValidation=Warn&dryRun=All`, body);
    expect(warned.headers['warning']).toContain('299 - "unknown field \\"nonsense\\""');
    const silent = await api.json('POST', `${configMaps}?fieldValidation=Ignore`, body);
    expect(silent.headers['warning']).toBeUndefined();
    expect(silent.body['data']).toEqual({ k: '2' });
    expect(await api.fails('POST', `${configMaps}?fieldValidation=Maybe`, body)).toMatchObject({ code: 422 });
  });

  it('a media type that nobody reads is refused with 415', async () => {
    const status = await api.fails('POST', configMaps, 'x', type('text/plain'));
    expect(status).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  });
});

describe('patches', () => {
  beforeEach(async () => {
    await api.create(configMaps, {
      metadata: { name: 'a', labels: { x: '1' } },
      data: { k: '1', gone: 'soon' },
    });
  });

  it('merge', async () => {
    const answer = await api.json('PATCH', `${configMaps}/a`, { data: { gone: null, l: '2' } }, merge);
    expect(answer.body['data']).toEqual({ k: '1', l: '2' });
  });

  it('JSON, whose failed test refuses the whole', async () => {
    const json = type('application/json-patch+json');
    const patch = [
      { op: 'test', path: '/data/k', value: '1' },
      { op: 'replace', path: '/data/k', value: '2' },
    ];
    expect((await api.json('PATCH', `${configMaps}/a`, patch, json)).body['data']).toMatchObject({ k: '2' });
    expect(await api.fails('PATCH', `${configMaps}/a`, patch, json)).toMatchObject({ code: 422 });
  });

  it('strategic merge, by the keys of the schema', async () => {
    await api.create(deployments, deployment('d'));
    const inProcess = { wantsObject: true };
    const shared = (await api.json('GET', `${deployments}/d`, undefined, inProcess)).body;
    const asItWas = structuredClone(shared);
    const strategic = type('application/strategic-merge-patch+json');
    const patch = { spec: { template: { spec: { containers: [{ name: 'side', image: 's' }] } } } };
    const answer = await api.json<
      KubernetesObject & { spec: { template: { spec: { containers: { name: string }[] } } } }
    >('PATCH', `${deployments}/d`, patch, strategic);
    expect(answer.body.spec.template.spec.containers.map(({ name }) => name).sort()).toEqual(['c', 'side']);
    expect(answer.body.metadata.generation).toBe(2);
    // The stored object that the patch was computed from is shared: it has not changed with it.
    expect(shared).toEqual(asItWas);
  });

  it('of many clients at once are all applied', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        api.json('PATCH', `${configMaps}/a`, { data: { [`n${at}`]: 'x' } }, merge),
      ),
    );
    const { data } = (await get(`${configMaps}/a`)) as unknown as { data: object };
    expect(Object.keys(data)).toHaveLength(32);
  });

  it('with a stale resourceVersion are refused', async () => {
    const before = await get(`${configMaps}/a`);
    await api.json('PATCH', `${configMaps}/a`, { data: { k: '2' } }, merge);
    const { resourceVersion } = before.metadata;
    const status = await api.fails(
      'PATCH',
      `${configMaps}/a`,
      { metadata: { resourceVersion }, data: { k: '3' } },
      merge,
    );
    expect(status).toMatchObject({ code: 409, reason: 'Conflict' });
  });

  it('of unknown types, to unknown objects, or empty are refused', async () => {
    expect(await api.fails('PATCH', `${configMaps}/a`, {}, type('application/json'))).toMatchObject({
      code: 415,
    });
    expect(await api.fails('PATCH', `${configMaps}/nope`, {}, merge)).toMatchObject({ code: 404 });
    expect(await api.fails('PATCH', `${configMaps}/a`, undefined, merge)).toMatchObject({ code: 400 });
  });

  it('cannot change what the server alone decides', async () => {
    const before = await get(`${configMaps}/a`);
    const metadata = { creationTimestamp: '2001-01-01T00:00:00Z', deletionTimestamp: '2001-01-01T00:00:00Z' };
    const answer = await api.json('PATCH', `${configMaps}/a`, { metadata }, merge);
    expect(answer.body.metadata).toMatchObject({ creationTimestamp: before.metadata.creationTimestamp });
    expect(answer.body.metadata.deletionTimestamp).toBeUndefined();
    expect(await api.fails('PATCH', `${configMaps}/a`, { metadata: { uid: 'other' } }, merge)).toMatchObject({
      code: 409,
    });
    expect(await api.fails('PATCH', `${configMaps}/a`, { metadata: { name: 'b' } }, merge)).toMatchObject({
      code: 400,
    });
  });
});

describe('managedFields', () => {
  it('stay as they are through an update that brings none, as from a cache that leaves them out', async () => {
    await api.json('POST', `${configMaps}?fieldManager=one`, {
      metadata: { name: 'a' },
      data: { k: '1', l: '1' },
    });
    const { managedFields, ...metadata } = (await get(`${configMaps}/a`)).metadata;
    const body = { metadata, data: { k: '1', l: '2' } };
    const updated = await api.json('PUT', `${configMaps}/a?fieldManager=two`, body);
    expect(managedFields).toHaveLength(1);
    expect(updated.body.metadata.managedFields).toMatchObject([
      { manager: 'one', fieldsV1: { 'f:data': { 'f:k': {} } } },
      { manager: 'two', fieldsV1: { 'f:data': { 'f:l': {} } } },
    ]);
  });
});

describe('server-side apply', () => {
  const apply = type('application/apply-patch+yaml');
  const of = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data });

  it('creates, owns, conflicts and takes over by force', async () => {
    const created = await api.json('PATCH', `${configMaps}/a?fieldManager=one`, of({ k: '1' }), apply);
    expect(created.status).toBe(201);
    expect(created.body.metadata.managedFields).toMatchObject([{ manager: 'one', operation: 'Apply' }]);
    const conflict = await api.fails('PATCH', `${configMaps}/a?fieldManager=two`, of({ k: '2' }), apply);
    expect(conflict).toMatchObject({
      code: 409,
      details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.k' }] },
    });
    const forced = await api.json(
      'PATCH',
      `${configMaps}/a?fieldManager=two&force=true`,
      of({ k: '2' }),
      apply,
    );
    expect(forced.status).toBe(200);
    expect(forced.body['data']).toEqual({ k: '2' });
  });

  it('writes nothing the second time', async () => {
    await api.json('PATCH', `${configMaps}/a?fieldManager=one`, of({ k: '1' }), apply);
    const before = api.storage.revision;
    api.clock.advance(5000);
    expect((await api.json('PATCH', `${configMaps}/a?fieldManager=one`, of({ k: '1' }), apply)).status).toBe(
      200,
    );
    expect(api.storage.revision).toBe(before);
  });

  it('reads YAML', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: "1"\n';
    const created = await api.json('PATCH', `${configMaps}/a?fieldManager=one`, yaml, apply);
    expect(created).toMatchObject({ status: 201, body: { data: { k: '1' } } });
    const twice = `${yaml}  k: "2"\n`;
    const url = `${configMaps}/a?fieldManager=one&fieldValidation=Strict`;
    expect((await api.fails('PATCH', url, twice, apply)).message).toContain('already set in map');
    expect(await api.fails('PATCH', url, 'a: [', apply)).toMatchObject({ code: 400 });
  });

  it('needs a field manager', async () => {
    expect(await api.fails('PATCH', `${configMaps}/a`, of({}), apply)).toMatchObject({ code: 422 });
  });
});

describe('dry run', () => {
  it('answers as if, and writes nothing', async () => {
    const before = api.storage.revision;
    const created = await api.json('POST', `${configMaps}?dryRun=All`, { metadata: { name: 'a' } });
    expect(created).toMatchObject({ status: 201, body: { metadata: { name: 'a' } } });
    expect(api.storage.revision).toBe(before);
    expect(await api.fails('GET', `${configMaps}/a`)).toMatchObject({ code: 404 });
    await api.create(configMaps, { metadata: { name: 'b' }, data: { k: '1' } });
    const kept = api.storage.revision;
    const patched = await api.json('PATCH', `${configMaps}/b?dryRun=All`, { data: { k: '2' } }, merge);
    expect(patched.body['data']).toEqual({ k: '2' });
    await api.json('DELETE', `${configMaps}/b?dryRun=All`);
    await api.json('DELETE', `${configMaps}?dryRun=All`);
    expect(api.storage.revision).toBe(kept);
    expect(await api.fails('POST', `${configMaps}?dryRun=Some`, { metadata: { name: 'c' } })).toMatchObject({
      code: 422,
    });
  });
});

describe('delete', () => {
  it('demands its preconditions', async () => {
    const { metadata } = await api.create(configMaps, { metadata: { name: 'a' } });
    const stale = await api.fails('DELETE', `${configMaps}/a`, { preconditions: { uid: 'other' } });
    expect(stale).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(stale.message).toContain('Precondition failed: UID in precondition: other');
    expect(
      await api.fails('DELETE', `${configMaps}/a`, { preconditions: { resourceVersion: '1' } }),
    ).toMatchObject({ code: 409 });
    const body = { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } };
    expect((await api.json('DELETE', `${configMaps}/a`, body)).status).toBe(200);
  });

  it('gives a running pod its grace, which a second delete can only shorten', async () => {
    await api.create(pods, { metadata: { name: 'p' }, spec: { ...podSpec, nodeName: 'n' } });
    const first = await api.json('DELETE', `${pods}/p`);
    expect(first.body.metadata).toMatchObject({
      deletionTimestamp: '2026-01-02T03:04:35Z',
      deletionGracePeriodSeconds: 30,
    });
    const longer = await api.json('DELETE', `${pods}/p`, { gracePeriodSeconds: 60 });
    expect(longer.body.metadata.deletionGracePeriodSeconds).toBe(30);
    const shorter = await api.json('DELETE', `${pods}/p`, { gracePeriodSeconds: 5 });
    expect(shorter.body.metadata.deletionGracePeriodSeconds).toBe(5);
    await api.json('DELETE', `${pods}/p?gracePeriodSeconds=0`);
    expect(await api.fails('GET', `${pods}/p`)).toMatchObject({ code: 404 });
  });

  it('removes a pod that is on no node at once', async () => {
    await api.create(pods, { metadata: { name: 'p' }, spec: podSpec });
    await api.json('DELETE', `${pods}/p`);
    expect(await api.fails('GET', `${pods}/p`)).toMatchObject({ code: 404 });
  });

  it.each([
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ])('with %s leaves the finalizer for the garbage collector', async (propagationPolicy, finalizer) => {
    await api.create(deployments, deployment('d'));
    const answer = await api.json('DELETE', `${deployments}/d`, { propagationPolicy });
    expect(answer.body.metadata).toMatchObject({
      finalizers: [finalizer],
      deletionTimestamp: expect.any(String),
    });
    const added = await api.fails(
      'PATCH',
      `${deployments}/d`,
      { metadata: { finalizers: [finalizer, 'example.com/new'] } },
      merge,
    );
    expect(added).toMatchObject({ code: 422 });
    await api.json('PATCH', `${deployments}/d`, { metadata: { finalizers: null } }, merge);
    expect(await api.fails('GET', `${deployments}/d`)).toMatchObject({ code: 404 });
  });

  it('of a collection takes what is selected', async () => {
    for (const [name, tier] of [
      ['a', 'x'],
      ['b', 'x'],
      ['c', 'y'],
    ] as const)
      await api.create(configMaps, { metadata: { name, labels: { tier } } });
    const answer = await api.json<{ kind: string; items: unknown[] }>(
      'DELETE',
      `${configMaps}?labelSelector=tier%3Dx`,
    );
    expect(answer.body).toMatchObject({ kind: 'ConfigMapList' });
    expect(answer.body.items).toHaveLength(2);
    const left = await api.json<{ items: KubernetesObject[] }>('GET', configMaps);
    expect(left.body.items.map(({ metadata }) => metadata.name)).toEqual(['c']);
  });

  it.each([
    [{ propagationPolicy: 'Sometimes' }, 422],
    [{ propagationPolicy: 'Orphan', orphanDependents: true }, 422],
    [{ gracePeriodSeconds: 'x' }, 400],
    [{ kind: 'Pod' }, 400],
  ])('refuses the options %j', async (options, code) => {
    await api.create(configMaps, { metadata: { name: 'a' } });
    expect(await api.fails('DELETE', `${configMaps}/a`, options)).toMatchObject({ code });
  });
});

describe('storage that fails', () => {
  it.each([
    ['NoQuorum', 503, 'ServiceUnavailable'],
    ['Timeout', 504, 'Timeout'],
    ['Fenced', 409, 'Conflict'],
    ['QuotaExceeded', 500, 'InternalError'],
    ['Overloaded', 429, 'TooManyRequests'],
    ['TooLarge', 413, 'RequestEntityTooLarge'],
    ['Stopped', 503, 'ServiceUnavailable'],
  ] as const)('%s is answered with %i', async (code, status, reason) => {
    api.storage.failWith('write', new StorageError(code, 'because'));
    const failure = await api.fails('POST', configMaps, { metadata: { name: 'a' } });
    expect(failure).toMatchObject({ kind: 'Status', code: status, reason });
  });

  it('unexpectedly is answered with 500 and told to the log, not to the client', async () => {
    api.storage.failWith('write', new Error('secret detail'));
    const failure = await api.fails('POST', configMaps, { metadata: { name: 'a' } });
    expect(failure.code).toBe(500);
    expect(JSON.stringify(failure)).not.toContain('secret detail');
    expect(api.faults.splice(0)).toHaveLength(1);
  });

  it('writes by a deposed leader are fenced', async () => {
    api.storage.setLeadership({ isLeader: false, term: 2, leader: 'other' });
    const failure = await api.fails(
      'POST',
      configMaps,
      { metadata: { name: 'a' } },
      { fence: 1, wantsObject: true },
    );
    expect(failure).toMatchObject({ code: 409, details: { causes: [{ reason: 'Fenced' }] } });
  });
});

describe('paths', () => {
  it.each([
    ['GET', '/api/v1/namespaces/default/nothings', 404],
    ['GET', '/api/v1/configmaps/a', 404],
    ['GET', '/api/v1/namespaces/default/nodes/n', 404],
    ['POST', '/api/v1/configmaps', 405],
    ['PUT', configMaps, 405],
    ['TRACE', configMaps, 405],
    ['GET', `${configMaps}/a/scale`, 404],
    ['DELETE', `${pods}/p/status`, 405],
    ['GET', '/nowhere', 404],
  ])('%s %s is answered with %i', async (method, url, code) => {
    expect(await api.fails(method, url)).toMatchObject({ kind: 'Status', code });
  });
});
