import type { DiscoveryDocuments } from '#libs/apimachinery';
import { describe, expect, it } from 'vitest';
import type { PathHandler } from '../extension.js';
import type { ApiRequest, UnaryResponse } from '../request.js';
import { discoveryHandler, discoveryPaths, rootPathsHandler } from './discovery-handler.js';
import { DocumentCache } from './document-cache.js';
import { HealthRegistry } from './health.js';
import { openApiHandler } from './openapi-handler.js';
import { versionHandler } from './version.js';

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

async function get(
  handler: PathHandler,
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Got | undefined> {
  const [path = '', query = ''] = url.split('?');
  const answer = (await handler({
    method,
    path,
    query: new URLSearchParams(query),
    headers,
  } as unknown as ApiRequest)) as UnaryResponse | undefined;
  if (answer === undefined) return undefined;
  return {
    status: answer.status,
    headers: answer.headers,
    text: Buffer.concat(answer.chunks ?? []).toString(),
  };
}

const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const v2beta1 = 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';
const documents: DiscoveryDocuments = {
  aggregated: (root, version) => ({ root, version }),
  coreVersions: () => ({ kind: 'APIVersions' }),
  groupList: () => ({ kind: 'APIGroupList' }),
  group: (group) => (group === 'apps' ? { kind: 'APIGroup', name: group } : undefined),
  resourceList: (group, version) =>
    version === 'v1' ? { kind: 'APIResourceList', groupVersion: `${group}/${version}` } : undefined,
};

describe('discovery', () => {
  const handler = discoveryHandler(documents, new DocumentCache(() => 1));

  it("answers in the form that comes first in the client's order, and echoes its parameters", async () => {
    const kubectl = await get(handler, '/apis', { accept: `${v2},${v2beta1},application/json` });
    expect(kubectl).toMatchObject({ status: 200, headers: { 'content-type': v2, vary: 'Accept' } });
    expect(JSON.parse(kubectl!.text)).toEqual({ root: '/apis', version: 'v2' });
    const older = await get(handler, '/api', { accept: `${v2beta1},application/json` });
    expect(older).toMatchObject({
      headers: { 'content-type': v2beta1 },
      text: '{"root":"/api","version":"v2beta1"}',
    });
    const unknown = v2.replace('v=v2', 'v=v9');
    expect(await get(handler, '/apis', { accept: `${unknown},application/json` })).toMatchObject({
      headers: { 'content-type': 'application/json' },
      text: '{"kind":"APIGroupList"}',
    });
    expect(await get(handler, '/api')).toMatchObject({ text: '{"kind":"APIVersions"}' });
  });

  it('refuses forms that it does not have', async () => {
    await expect(get(handler, '/apis', { accept: 'text/html' })).rejects.toMatchObject({ code: 406 });
    await expect(get(handler, '/apis/apps', { accept: v2 })).rejects.toMatchObject({ code: 406 });
  });

  it('knows groups and versions, with and without a slash, and leaves the rest to others', async () => {
    expect(await get(handler, '/apis/apps')).toMatchObject({ text: '{"kind":"APIGroup","name":"apps"}' });
    expect(await get(handler, '/apis/apps/v1/')).toMatchObject({
      text: '{"kind":"APIResourceList","groupVersion":"apps/v1"}',
    });
    expect(await get(handler, '/api/v1')).toMatchObject({
      text: '{"kind":"APIResourceList","groupVersion":"/v1"}',
    });
    for (const path of ['/apis/nope', '/apis/apps/v9', '/api/v9', '/other', '/apis/apps/v1/x']) {
      expect([path, await get(handler, path)]).toEqual([path, undefined]);
    }
    expect(await get(handler, '/apis', {}, 'POST')).toBeUndefined();
  });

  it('leaves the length to the transport, which may compress', async () => {
    expect((await get(handler, '/apis'))!.headers).not.toHaveProperty('content-length');
  });

  it('sends nothing again to who has it', async () => {
    const first = await get(handler, '/apis', { accept: v2 });
    const again = await get(handler, '/apis', { accept: v2, 'if-none-match': first!.headers['etag']! });
    expect(again).toMatchObject({ status: 304, text: '', headers: { etag: first!.headers['etag'] } });
    const plain = await get(handler, '/apis', { 'if-none-match': first!.headers['etag']! });
    expect(plain).toMatchObject({ status: 200 });
  });

  it('follows the kinds served: another document, another ETag', async () => {
    let kinds = ['a'];
    const cache = new DocumentCache(() => kinds);
    const changing = discoveryHandler({ ...documents, groupList: () => ({ kinds }) }, cache);
    const first = await get(changing, '/apis');
    kinds = ['a', 'b'];
    const second = await get(changing, '/apis', { 'if-none-match': first!.headers['etag']! });
    expect(second).toMatchObject({ status: 200, text: '{"kinds":["a","b"]}' });
  });

  it('lists its paths at the root', async () => {
    const versions = new Map([
      ['', ['v1']],
      ['apps', ['v1', 'v1beta1']],
    ]);
    const root = rootPathsHandler(
      () => discoveryPaths(versions),
      ['/livez', '/version'],
      new DocumentCache(() => 1),
    );
    expect(JSON.parse((await get(root, '/'))!.text)).toEqual({
      paths: [
        '/api',
        '/api/v1',
        '/apis',
        '/apis/',
        '/apis/apps',
        '/apis/apps/v1',
        '/apis/apps/v1beta1',
        '/livez',
        '/version',
      ],
    });
  });
});

describe('OpenAPI', () => {
  const handler = openApiHandler(
    {
      v3Paths: () => ['api/v1', 'apis/apps/v1'],
      v3: (path) => (path === 'api/v1' || path === 'apis/apps/v1' ? { openapi: '3.0.0', path } : undefined),
      v2: () => ({ swagger: '2.0' }),
    },
    new DocumentCache(() => 1),
  );
  const urlOf = async (path: string): Promise<string> => {
    const index = JSON.parse((await get(handler, '/openapi/v3'))!.text) as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    return index.paths[path]!.serverRelativeURL;
  };

  it('leads from the index to documents that may be kept for ever', async () => {
    const url = await urlOf('apis/apps/v1');
    expect(url).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{64}$/);
    const got = await get(handler, url);
    expect(got).toMatchObject({ status: 200, text: '{"openapi":"3.0.0","path":"apis/apps/v1"}' });
    expect(got!.headers['cache-control']).toContain('immutable');
  });

  it('redirects an old hash to the present one, and answers without a hash', async () => {
    expect(await get(handler, '/openapi/v3/api/v1?hash=OLD')).toMatchObject({
      status: 301,
      headers: { location: await urlOf('api/v1') },
    });
    const plain = await get(handler, '/openapi/v3/api/v1');
    expect(plain).toMatchObject({ status: 200 });
    expect(plain!.headers['cache-control']).not.toContain('immutable');
    expect(await get(handler, '/openapi/v3/apis/none/v1')).toBeUndefined();
    expect(await get(handler, '/openapi/v2')).toMatchObject({ text: '{"swagger":"2.0"}' });
  });

  it('has v2 in protobuf for client-go, which asks by its older name and takes nothing else', async () => {
    const older = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const newer = older.replace('@', '.');
    for (const accept of [older, newer, `${newer}, application/json;q=0.5`]) {
      const got = await get(handler, '/openapi/v2', { accept });
      expect(got).toMatchObject({ status: 200, headers: { 'content-type': newer }, text: '\n\x032.0' });
    }
    const json = await get(handler, '/openapi/v2', { accept: `application/json, ${newer};q=0.9` });
    expect(json).toMatchObject({ text: '{"swagger":"2.0"}' });
    await expect(get(handler, '/openapi/v2', { accept: 'text/html' })).rejects.toMatchObject({ code: 406 });
    await expect(get(handler, '/openapi/v3', { accept: newer })).rejects.toMatchObject({ code: 406 });
  });
});

describe('/version', () => {
  it('is 1.36 in numbers', async () => {
    const got = JSON.parse(
      (await get(versionHandler({ productVersion: '0.1.0' }), '/version'))!.text,
    ) as Record<string, string>;
    expect(got).toMatchObject({ major: '1', minor: '36' });
    expect(got['gitVersion']).toMatch(/^v1\.36\.\d+\+trireme/);
  });
});

describe('health', () => {
  const failures: string[] = [];
  const health = new HealthRegistry((endpoint, failed) =>
    failures.push(`${endpoint}: ${[...failed].join(' ')}`),
  );
  let consensus: string | undefined;
  health.add({ name: 'log', endpoints: ['livez', 'readyz'], check: () => undefined });
  health.add({ name: 'consensus', endpoints: ['readyz'], check: () => Promise.resolve(consensus) });
  health.add({
    name: 'poststarthook/bootstrap',
    endpoints: ['healthz'],
    check: () => {
      throw new Error('boom');
    },
  });

  it('says ok, or each check when asked', async () => {
    consensus = undefined;
    expect(await get(health.handler, '/readyz')).toMatchObject({ status: 200, text: 'ok' });
    expect(await get(health.handler, '/livez?verbose')).toMatchObject({
      status: 200,
      text: '[+]ping ok\n[+]log ok\nlivez check passed\n',
    });
    expect(await get(health.handler, '/readyz?verbose&exclude=consensus')).toMatchObject({
      text: '[+]ping ok\n[+]log ok\n[+]consensus excluded: ok\nreadyz check passed\n',
    });
  });

  it('fails with 500 and the list, withholding the reason from the client and telling the log', async () => {
    consensus = 'no leader for 3 s';
    failures.length = 0;
    expect(await get(health.handler, '/readyz')).toMatchObject({
      status: 500,
      text: '[+]ping ok\n[+]log ok\n[-]consensus failed: reason withheld\nreadyz check failed\n',
    });
    expect(failures).toEqual(['readyz: consensus,no leader for 3 s']);
    expect(await get(health.handler, '/livez')).toMatchObject({ status: 200 });
    expect(await get(health.handler, '/readyz?exclude=consensus')).toMatchObject({ status: 200, text: 'ok' });
  });

  it('answers for one check, whose name may have slashes', async () => {
    consensus = undefined;
    expect(await get(health.handler, '/readyz/consensus')).toMatchObject({ status: 200, text: 'ok' });
    expect(await get(health.handler, '/livez/consensus')).toMatchObject({ status: 404 });
    expect(await get(health.handler, '/healthz/poststarthook/bootstrap')).toMatchObject({
      status: 500,
      text: 'internal server error: poststarthook/bootstrap failed: reason withheld\n',
    });
  });

  it('names exclusions that match nothing', async () => {
    expect((await get(health.handler, '/livez?verbose&exclude=nope'))!.text).toContain(
      'warn: some health checks cannot be excluded: no matches for "nope"',
    );
  });

  it('counts a check that hangs as failed', async () => {
    const hanging = new HealthRegistry();
    hanging.add({ name: 'stuck', endpoints: ['livez'], check: () => new Promise(() => undefined) });
    expect(await get(hanging.handler, '/livez')).toMatchObject({ status: 500 });
  });

  it('takes no second check of a name, and gives the name back', () => {
    const registry = new HealthRegistry();
    const remove = registry.add({ name: 'x', endpoints: ['livez'], check: () => undefined });
    expect(() => registry.add({ name: 'x', endpoints: ['livez', 'readyz'], check: () => undefined })).toThrow(
      /is there already/,
    );
    remove();
    registry.add({ name: 'x', endpoints: ['livez'], check: () => undefined });
  });
});
