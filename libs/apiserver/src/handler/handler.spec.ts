import { afterEach, describe, expect, it } from 'vitest';
import { forbidden, type KubernetesObject } from '#libs/apimachinery';
import type { AuthorizationAttributes, Authorizer } from '../authz.js';
import { TestServer } from '../testing/test-server.js';
import type { RequestDone } from './metrics.js';
import { negotiate } from './negotiate.js';
import { requestInfo } from './request-info.js';

let api: TestServer | undefined;
afterEach(async () => {
  expect(api?.faults ?? []).toEqual([]);
  await api?.close();
  api = undefined;
});

const configMaps = '/api/v1/namespaces/default/configmaps';

describe('requestInfo', () => {
  const of = (method: string, url: string) => {
    const [path = '', query = ''] = url.split('?');
    const { verb, group, resource, subresource, namespace, name } = requestInfo(
      method,
      path,
      new URLSearchParams(query),
    );
    return { verb, group, resource, subresource, namespace, name };
  };

  it.each([
    ['GET', '/api/v1/namespaces', ['list', '', 'namespaces', '', '', '']],
    ['GET', '/api/v1/namespaces/x', ['get', '', 'namespaces', '', 'x', 'x']],
    ['PUT', '/api/v1/namespaces/x/finalize', ['update', '', 'namespaces', 'finalize', 'x', 'x']],
    ['GET', '/api/v1/namespaces/x/pods?watch', ['watch', '', 'pods', '', 'x', '']],
    ['GET', '/api/v1/watch/namespaces/x/pods', ['watch', '', 'pods', '', 'x', '']],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dp', ['list', '', 'pods', '', '', 'p']],
    ['POST', '/api/v1/namespaces/x/pods/p/eviction', ['create', '', 'pods', 'eviction', 'x', 'p']],
    [
      'DELETE',
      '/apis/apps/v1/namespaces/x/deployments',
      ['deletecollection', 'apps', 'deployments', '', 'x', ''],
    ],
    [
      'PATCH',
      '/apis/apps/v1/namespaces/x/deployments/d/scale',
      ['patch', 'apps', 'deployments', 'scale', 'x', 'd'],
    ],
    ['GET', '/api/v1/nodes/n/proxy/metrics/x', ['get', '', 'nodes', 'proxy', '', 'n']],
    ['GET', '/apis/apps/v1', ['get', '', '', '', '', '']],
  ])('%s %s', (method, url, [verb, group, resource, subresource, namespace, name]) => {
    expect(of(method, url)).toEqual({ verb, group, resource, subresource, namespace, name });
  });
});

describe('negotiate', () => {
  const all = { protobuf: true, tables: true };

  it.each([
    [undefined, 'json', 'object'],
    ['*/*', 'json', 'object'],
    ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 'json', 'table'],
    ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', 'json', 'object'],
    ['application/vnd.kubernetes.protobuf,application/json', 'protobuf', 'object'],
    ['application/json;q=0.5,application/yaml;q=0.9', 'yaml', 'object'],
    ['application/vnd.kubernetes.protobuf;stream=watch', 'protobuf', 'object'],
  ])('%s', (accept, encoding, as) => {
    expect(negotiate(accept, all)).toMatchObject({ encoding, as });
  });

  it('falls to what the kind has, or refuses', () => {
    const some = { protobuf: false, tables: false };
    expect(negotiate('application/vnd.kubernetes.protobuf,application/json', some)).toMatchObject({
      encoding: 'json',
    });
    expect(() => negotiate('application/vnd.kubernetes.protobuf', some)).toThrow(
      'only the following media types',
    );
    expect(() => negotiate('application/json;as=Table;v=v1;g=meta.k8s.io', some)).toThrow(
      'only the following',
    );
  });
});

describe('authorization', () => {
  it('comes before anything is looked at, and names what was refused', async () => {
    const asked: AuthorizationAttributes[] = [];
    const authorizer: Authorizer = {
      authorize: (attributes) => {
        asked.push(attributes);
        return { decision: 'noOpinion', reason: '' };
      },
    };
    api = new TestServer({ authorizer });
    const refusal = await api.fails('POST', configMaps, '{not json');
    expect(refusal).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message:
        'configmaps is forbidden: User "admin" cannot create resource "configmaps" in API group "" in the namespace "default"',
    });
    expect(asked).toMatchObject([{ verb: 'create', resource: 'configmaps', namespace: 'default' }]);
    expect(await api.fails('GET', '/metrics')).toMatchObject({
      code: 403,
      message: 'forbidden: User "admin" cannot get path "/metrics"',
    });
  });

  it('of an update that turns out to create asks for create too', async () => {
    const authorizer: Authorizer = {
      authorize: ({ verb }) => ({ decision: verb === 'create' ? 'deny' : 'allow', reason: 'no creates' }),
    };
    api = new TestServer({ authorizer, admission: [] });
    const lease = '/apis/coordination.k8s.io/v1/namespaces/default/leases/l';
    const body = { metadata: { name: 'l' }, spec: {} };
    expect(await api.fails('PUT', lease, body)).toMatchObject({ code: 403 });
  });

  it('of impersonation is asked for, and decides by the other user', async () => {
    const seen: string[] = [];
    const authorizer: Authorizer = {
      authorize: ({ user, verb, name }) => {
        seen.push(`${user.username} ${verb} ${name}`.trim());
        return { decision: verb !== 'impersonate' || name === 'bob' ? 'allow' : 'deny', reason: '' };
      },
    };
    api = new TestServer({ authorizer });
    const as = (name: string) => ({ headers: { 'impersonate-user': name } });
    expect((await api.json('GET', configMaps, undefined, as('bob'))).status).toBe(200);
    expect(seen).toEqual(['admin impersonate bob', 'bob list']);
    expect(await api.fails('GET', configMaps, undefined, as('root'))).toMatchObject({ code: 403 });
  });
});

describe('flow control', () => {
  it('refuses what finds no seat with 429 and the time to come back; the control plane itself is exempt', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const authorizer: Authorizer = {
      authorize: async ({ user }) => {
        if (user.username === 'slow') await held;
        return { decision: 'allow', reason: '' };
      },
    };
    api = new TestServer({ authorizer, limits: { readOnly: 1, mutating: 1 } });
    const slow = api.json('GET', configMaps, undefined, { user: { username: 'slow', groups: [] } });
    const refused = await api.json('GET', configMaps);
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
      body: { reason: 'TooManyRequests' },
    });
    expect(api.server.inflight()).toEqual({ readOnly: 1, mutating: 0 });
    expect((await api.json('GET', configMaps, undefined, { wantsObject: true })).status).toBe(200);
    release();
    expect((await slow).status).toBe(200);
    expect(api.server.inflight()).toEqual({ readOnly: 0, mutating: 0 });
  });
});

describe('extensions', () => {
  it('compute what is never stored, and refuse tables of it', async () => {
    const virtual = new Map([
      [
        'authorization.k8s.io/selfsubjectaccessreviews',
        (object: KubernetesObject) => ({ ...object, status: { allowed: true } }),
      ],
    ]);
    api = new TestServer({ virtual });
    const url = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const body = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } };
    expect(await api.create(url, body)).toMatchObject({ status: { allowed: true } });
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    expect(await api.fails('POST', url, body, { headers })).toMatchObject({ code: 406 });
    expect(await api.fails('GET', url)).toMatchObject({ code: 405 });
    expect(await api.fails('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', body)).toMatchObject(
      { code: 404 },
    );
  });

  it('answer paths, and may refuse by throwing', async () => {
    api = new TestServer({
      paths: [
        ({ path }) =>
          path === '/one'
            ? { kind: 'unary', status: 200, headers: {}, chunks: [Buffer.from('{}')] }
            : undefined,
        ({ path }) => {
          if (path === '/two') throw forbidden({ group: '', resource: 'x' }, '', 'no');
          return undefined;
        },
      ],
    });
    expect((await api.json('GET', '/one')).status).toBe(200);
    expect(await api.fails('GET', '/two')).toMatchObject({ code: 403 });
    expect(await api.fails('GET', '/three')).toMatchObject({ code: 404 });
  });
});

it('reports each request for the metrics', async () => {
  const done: RequestDone[] = [];
  api = new TestServer({ metrics: { onRequestDone: (each) => done.push(each) } });
  await api.namespace('default');
  await api.fails('GET', `${configMaps}/none`);
  await api.json('GET', configMaps);
  expect(done).toMatchObject([
    { verb: 'POST', resource: 'namespaces', scope: 'cluster', code: 201, inProcess: false },
    { verb: 'GET', resource: 'configmaps', scope: 'resource', code: 404 },
    { verb: 'LIST', resource: 'configmaps', scope: 'namespace', code: 200 },
  ]);
  expect(done[0]!.responseBytes).toBeGreaterThan(0);
  expect(api.server.objectCounts().get('namespaces')).toBe(1);
});

describe('prototype pollution', () => {
  it.each([
    [
      'POST',
      configMaps,
      'application/json',
      '{"metadata":{"name":"a","labels":{"__proto__":"x"}},"data":{"__proto__":"y"},"__proto__":{"polluted":"yes"}}',
    ],
    [
      'PATCH',
      `${configMaps}/victim`,
      'application/merge-patch+json',
      '{"__proto__":{"polluted":"yes"},"data":{"__proto__":{"polluted":"yes"}}}',
    ],
    [
      'PATCH',
      `${configMaps}/victim`,
      'application/json-patch+json',
      '[{"op":"add","path":"/__proto__/polluted","value":"yes"},{"op":"add","path":"/constructor/prototype/polluted","value":"yes"}]',
    ],
    [
      'PATCH',
      `${configMaps}/victim`,
      'application/strategic-merge-patch+json',
      '{"constructor":{"prototype":{"polluted":"yes"}}}',
    ],
    [
      'PATCH',
      `${configMaps}/victim?fieldManager=m`,
      'application/apply-patch+yaml',
      'apiVersion: v1\nkind: ConfigMap\n__proto__: {polluted: "yes"}\ndata: {__proto__: "x"}\n',
    ],
  ])('%s %s as %s changes nobody else', async (method, url, contentType, body) => {
    api = new TestServer();
    await api.namespace('default');
    await api.create(configMaps, { metadata: { name: 'victim' } });
    const answer = await api.json(method, url, body, { headers: { 'content-type': contentType } });
    expect(answer.status).not.toBe(500);
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(answer.body)).toBe(Object.prototype);
  });
});
