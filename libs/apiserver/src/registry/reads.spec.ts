import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubernetesObject } from '#libs/apimachinery';
import { TestServer } from '../testing/test-server.js';

interface List {
  readonly kind: string;
  readonly metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  readonly items: readonly KubernetesObject[];
}

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
const names = (list: List) => list.items.map(({ metadata }) => metadata.name);
const list = async (query: string) => (await api.json<List>('GET', `${configMaps}?${query}`)).body;
const seed = async (count: number) => {
  for (let at = 0; at < count; at++) {
    const metadata = { name: `c${at}`, labels: { parity: at % 2 === 0 ? 'even' : 'odd' } };
    await api.create(configMaps, { metadata });
  }
};

describe('chunked lists', () => {
  it('keep one resourceVersion and count what remains, whatever is written meanwhile', async () => {
    await seed(5);
    const first = await list('limit=2');
    expect(names(first)).toEqual(['c0', 'c1']);
    expect(first.metadata.remainingItemCount).toBe(3);
    await api.create(configMaps, { metadata: { name: 'c1a' } });
    await api.json('DELETE', `${configMaps}/c4`);
    const second = await list(`limit=2&continue=${first.metadata.continue}`);
    expect(names(second)).toEqual(['c2', 'c3']);
    expect(second.metadata).toMatchObject({
      resourceVersion: first.metadata.resourceVersion,
      remainingItemCount: 1,
    });
    const third = await list(`limit=2&continue=${second.metadata.continue}`);
    expect(names(third)).toEqual(['c4']);
    expect(third.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion });
  });

  it('answer 410 after compaction, with a token that goes on inconsistently', async () => {
    await seed(3);
    const first = await list('limit=1');
    await api.create(configMaps, { metadata: { name: 'c9' } });
    api.storage.compact(api.storage.revision);
    const expired = await api.fails('GET', `${configMaps}?limit=1&continue=${first.metadata.continue}`);
    expect(expired).toMatchObject({ code: 410, reason: 'Expired' });
    expect(expired.message).toContain('The provided continue parameter is too old');
    const rest = await list(`limit=500&continue=${expired.metadata.continue}`);
    expect(names(rest)).toEqual(['c1', 'c2', 'c9']);
    expect(rest.metadata.resourceVersion).toBe(String(api.storage.revision));
  });

  it('go on correctly where a selector skips objects', async () => {
    await seed(6);
    const first = await list('limit=2&labelSelector=parity%3Dodd');
    expect(names(first)).toEqual(['c1', 'c3']);
    expect(first.metadata.remainingItemCount).toBeUndefined();
    const rest = await list(`limit=2&labelSelector=parity%3Dodd&continue=${first.metadata.continue}`);
    expect(names(rest)).toEqual(['c5']);
  });

  it.each(['x', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0', Buffer.from('null').toString('base64url')])(
    'refuse the token %s',
    async (token) => {
      expect(await api.fails('GET', `${configMaps}?continue=${token}`)).toMatchObject({
        code: 400,
        message: 'continue key is not valid',
      });
    },
  );
});

describe('selectors', () => {
  beforeEach(() => seed(3));

  it('choose by label, by name and by both', async () => {
    expect(names(await list('labelSelector=parity in (even)'))).toEqual(['c0', 'c2']);
    expect(names(await list('fieldSelector=metadata.name%3Dc1'))).toEqual(['c1']);
    expect(names(await list('fieldSelector=metadata.name!%3Dc1&labelSelector=parity%3Deven'))).toEqual([
      'c0',
      'c2',
    ]);
    expect(names(await list('fieldSelector=metadata.namespace%3Dother'))).toEqual([]);
  });

  it('by name reach over all namespaces', async () => {
    await api.namespace('other');
    await api.create('/api/v1/namespaces/other/configmaps', { metadata: { name: 'c1' } });
    const answer = await api.json<List>('GET', '/api/v1/configmaps?fieldSelector=metadata.name%3Dc1');
    expect(answer.body.items.map(({ metadata }) => metadata.namespace)).toEqual(['default', 'other']);
  });

  it.each([
    ['labelSelector=a%20b', 'unable to parse requirement'],
    ['fieldSelector=spec.none%3D1', 'field label not supported: spec.none'],
    ['fieldSelector=novalue', 'invalid selector'],
    ['limit=-1', 'limit must be'],
    ['resourceVersion=abc', 'resourceVersion'],
  ])('refuse %s', async (query, text) => {
    const status = await api.fails('GET', `${configMaps}?${query}`);
    expect(status.code).toBe(400);
    expect(status.message).toContain(text);
  });
});

describe('resourceVersion of a read', () => {
  it('is linearizable when unset: it passes the barrier; 0 does not', async () => {
    await seed(1);
    api.storage.failWith('barrier', new Error('no barrier today'));
    expect((await api.json('GET', `${configMaps}/c0?resourceVersion=0`)).status).toBe(200);
    expect(names(await list('resourceVersion=0'))).toEqual(['c0']);
    expect(await api.fails('GET', `${configMaps}/c0`)).toMatchObject({ code: 500 });
    expect(api.faults.splice(0)).toHaveLength(1);
  });

  it('Exact reads the past, NotOlderThan the present', async () => {
    await seed(2);
    const past = api.storage.revision;
    await api.json('DELETE', `${configMaps}/c0`);
    const exact = await list(`resourceVersion=${past}&resourceVersionMatch=Exact`);
    expect(names(exact)).toEqual(['c0', 'c1']);
    expect(exact.metadata.resourceVersion).toBe(String(past));
    expect(names(await list(`resourceVersion=${past}&resourceVersionMatch=NotOlderThan`))).toEqual(['c1']);
    api.storage.compact(api.storage.revision);
    expect(
      await api.fails('GET', `${configMaps}?resourceVersion=${past}&resourceVersionMatch=Exact`),
    ).toMatchObject({
      code: 410,
    });
  });

  it('that lies in the future is refused in bounded time', async () => {
    const status = await api.fails('GET', `${configMaps}?resourceVersion=99999`);
    expect(status).toMatchObject({
      code: 504,
      reason: 'Timeout',
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
    });
  });

  it.each([
    ['resourceVersionMatch=Exact', 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
    ['resourceVersion=0&resourceVersionMatch=Exact', 'is forbidden for resourceVersion "0"'],
    ['resourceVersion=5&resourceVersionMatch=Sometime', 'supported values'],
  ])('contradicted by %s is refused', async (query, text) => {
    const status = await api.fails('GET', `${configMaps}?${query}`);
    expect(status.code).toBe(422);
    expect(status.message).toContain(text);
  });
});

describe('forms', () => {
  const accept = (type: string) => ({ headers: { accept: type } });

  it('Table, with columns and the metadata of each object', async () => {
    await seed(2);
    const answer = await api.json<{
      kind: string;
      metadata: object;
      rows: { cells: unknown[]; object: object }[];
    }>(
      'GET',
      `${configMaps}?limit=1`,
      undefined,
      accept('application/json;as=Table;v=v1;g=meta.k8s.io,application/json'),
    );
    expect(answer.body).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { remainingItemCount: 1 },
    });
    expect(answer.body.rows[0]!.cells[0]).toBe('c0');
    expect(answer.body.rows[0]!.object).toMatchObject({
      kind: 'PartialObjectMetadata',
      metadata: { name: 'c0' },
    });
  });

  it('PartialObjectMetadataList', async () => {
    await seed(1);
    const answer = await api.json<List>(
      'GET',
      configMaps,
      undefined,
      accept('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'),
    );
    expect(answer.body.kind).toBe('PartialObjectMetadataList');
    expect(Object.keys(answer.body.items[0]!).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
  });

  it('YAML and protobuf', async () => {
    await seed(1);
    const yaml = await api.request('GET', `${configMaps}/c0`, undefined, accept('application/yaml'));
    expect(yaml).toMatchObject({
      kind: 'unary',
      status: 200,
      headers: { 'content-type': 'application/yaml' },
    });
    const protobuf = await api.request(
      'GET',
      configMaps,
      undefined,
      accept('application/vnd.kubernetes.protobuf'),
    );
    if (protobuf.kind !== 'unary') throw new Error('a stream was not expected');
    expect(
      Buffer.concat(protobuf.chunks ?? [])
        .subarray(0, 4)
        .toString('latin1'),
    ).toBe('k8s\0');
  });

  it('406 for what nobody makes', async () => {
    expect(await api.fails('GET', configMaps, undefined, accept('application/xml'))).toMatchObject({
      code: 406,
      reason: 'NotAcceptable',
    });
  });

  it('another version of the same object', async () => {
    const url = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
    await api.create(url, { metadata: { name: 'h' }, spec: { scaleTargetRef, maxReplicas: 3 } });
    const v1 = await api.json('GET', `${url.replace('v2', 'v1')}/h`);
    expect(v1.body).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { maxReplicas: 3 } });
  });
});
