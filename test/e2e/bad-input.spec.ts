import { createCertificateAuthority, issueCertificate } from '#libs/pki';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, type ApiList, type ApiReply, configMap, pki } from './support/api.js';
import { eventually, TestCluster } from './support/cluster.js';
import { outliveHistory } from './support/outlive-history.js';

/** What a client sent wrongly is answered with what is wrong: a metav1.Status, never a stack trace, never silence. */

const configMaps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const bodyBytesMax = 3 * 1024 * 1024;

let cluster: TestCluster;
let api: Api;
const others: Api[] = [];

function as(identity: ConstructorParameters<typeof Api>[2]): Api {
  const client = Api.of(cluster, { identity: identity ?? {} });
  others.push(client);
  return client;
}

beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 0 });
  api = Api.of(cluster, { connections: 32 });
});

afterAll(async () => {
  api.close();
  for (const client of others) client.close();
  await cluster.dispose();
});

function expectFailure(reply: ApiReply, code: number, reason: string, message: string | RegExp): void {
  expect(reply.body, reply.text).toMatchObject({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
  });
  expect(reply.status).toBe(code);
  expect(reply.body.message).toMatch(message);
  expect(reply.text, 'a stack trace').not.toMatch(/\\n\s+at |node:internal|\.[jt]s:\d+/);
}

function deployment(name: string, change: (spec: Record<string, unknown>) => void = () => undefined): object {
  const spec: Record<string, unknown> = {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'example/app:1' }] },
    },
  };
  change(spec);
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
}

describe('bodies', () => {
  it.each([
    ['cut off', '{"apiVersion":"v1","kind":"ConfigMap","metadata":'],
    ['not JSON at all', 'hello'],
    ['empty', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number with a letter', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generation":1x}}'],
  ])('refuses malformed JSON: %s', async (_, body) => {
    expectFailure(await api.call('POST', configMaps, { body }), 400, 'BadRequest', /./);
  });

  it('names the duplicate key when validation is strict, warns by default, is silent when told to ignore', async () => {
    const body = (name: string): string =>
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"},"data":{"a":"1","a":"2"}}`;
    const strict = await api.call('POST', `${configMaps}?fieldValidation=Strict`, { body: body('strict') });
    expectFailure(strict, 400, 'BadRequest', /strict decoding error: .*duplicate field "data\.a"/);
    const warned = await api.call('POST', configMaps, { body: body('warned') });
    expect(warned.status).toBe(201);
    expect(String(warned.headers['warning'])).toMatch(/299 .*duplicate field/);
    const ignored = await api.call('POST', `${configMaps}?fieldValidation=Ignore`, { body: body('ignored') });
    expect(ignored.status).toBe(201);
    expect(ignored.headers['warning']).toBeUndefined();
  });

  it('names every unknown field when validation is strict, warns by default', async () => {
    const body = deployment('unknown-fields', (spec) => {
      spec['replcas'] = 3;
      (spec['template'] as { spec: Record<string, unknown> }).spec['nodeSelektor'] = {};
    });
    const strict = await api.call('POST', `${deployments}?fieldValidation=Strict`, { body });
    expectFailure(strict, 400, 'BadRequest', /strict decoding error/);
    expect(strict.body.message).toContain('unknown field "spec.replcas"');
    expect(strict.body.message).toContain('unknown field "spec.template.spec.nodeSelektor"');
    const warned = await api.call('POST', `${deployments}?dryRun=All`, { body });
    expect(warned.status).toBe(201);
    expect(String(warned.headers['warning'])).toContain('unknown field \\"spec.replcas\\"');
  });

  it('names each missing field with its cause', async () => {
    const body = deployment('missing', (spec) => {
      delete spec['selector'];
      (spec['template'] as { spec: { containers: unknown[] } }).spec.containers = [{ name: 'main' }];
    });
    const reply = await api.call('POST', deployments, { body });
    expectFailure(reply, 422, 'Invalid', /^Deployment\.apps "missing" is invalid: /);
    const fields = reply.body.details?.causes?.map(({ field }) => field);
    expect(fields).toEqual(
      expect.arrayContaining(['spec.selector', 'spec.template.spec.containers[0].image']),
    );
  });

  it('names the missing name', async () => {
    const reply = await api.call('POST', configMaps, {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} },
    });
    expectFailure(reply, 422, 'Invalid', /name or generateName is required/);
  });

  it.each([
    [
      'a string for a number',
      { replicas: 'three' },
      /cannot unmarshal string into Go struct field .*replicas of type int32/,
    ],
    [
      'an object for a list',
      { template: { spec: { containers: {} } } },
      /cannot unmarshal object into .*containers/,
    ],
    ['a list for an object', { selector: [] }, /cannot unmarshal array into .*selector/],
  ])('names the field of a wrong type: %s', async (_, spec, message) => {
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'wrong-type' }, spec };
    const reply = await api.call('POST', deployments, { body });
    expectFailure(reply, 400, 'BadRequest', message);
  });

  it('refuses a kind that is not the resource’s', async () => {
    const widget = { apiVersion: 'v1', kind: 'Widget', metadata: { name: 'w' } };
    expectFailure(
      await api.call('POST', configMaps, { body: widget }),
      400,
      'BadRequest',
      /Widget in version "v1" cannot be handled as a ConfigMap/,
    );
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } };
    expectFailure(
      await api.call('POST', configMaps, { body: secret }),
      400,
      'BadRequest',
      /Secret in version "v1" cannot be handled as a ConfigMap/,
    );
  });

  it.each(['/api/v1/namespaces/default/widgets', '/apis/example.com/v1/widgets', '/api/v9/pods', '/nowhere'])(
    'answers 404 for a resource that nobody serves: %s',
    async (path) => {
      expectFailure(
        await api.call('GET', path),
        404,
        'NotFound',
        'the server could not find the requested resource',
      );
    },
  );

  it('refuses more than 3 MiB, and a value larger than a ConfigMap may hold', async () => {
    const large = JSON.stringify(configMap('large', { a: 'x'.repeat(bodyBytesMax) }));
    const tooLarge = await api.call('POST', configMaps, { body: large });
    expectFailure(tooLarge, 413, 'RequestEntityTooLarge', `limit is ${bodyBytesMax}`);
    const mebibyte = configMap('mebibyte', { a: 'x'.repeat(1024 * 1024 + 1) });
    expectFailure(await api.call('POST', configMaps, { body: mebibyte }), 422, 'Invalid', /Too long/);
  });

  it('refuses a media type that it cannot read and a form that it cannot give', async () => {
    const posted = await api.call('POST', configMaps, {
      body: 'a=b',
      headers: { 'content-type': 'text/csv' },
    });
    expectFailure(posted, 415, 'UnsupportedMediaType', /application\/json/);
    const got = await api.call('GET', configMaps, { headers: { accept: 'text/csv' } });
    expectFailure(got, 406, 'NotAcceptable', /application\/json/);
  });

  it('refuses a method that the resource does not have', async () => {
    const reply = await api.call('POST', `${configMaps}/kube-root-ca.crt`, { body: configMap('x') });
    expectFailure(
      reply,
      405,
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
    );
  });

  it('keeps keys such as __proto__ from reaching any prototype', async () => {
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto","labels":{"__proto__":"x"}},"data":{"constructor":"y"},"__proto__":{"polluted":true}}';
    expect((await api.call('POST', configMaps, { body })).status).toBeLessThan(500);
    const innocent = await api.call<{ polluted?: boolean }>('GET', '/api/v1/namespaces/default');
    expect(innocent.body.polluted).toBeUndefined();
  });

  it('refuses deep nesting without hanging', async () => {
    const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expectFailure(await api.call('POST', configMaps, { body }), 400, 'BadRequest', /./);
  });
});

describe('patches', () => {
  beforeAll(async () => {
    await api.call('POST', configMaps, { body: configMap('patched', { a: '1' }) });
  });

  it.each([
    ['application/json-patch+json', '{"op":"add"}', 400],
    ['application/json-patch+json', '[{"op":"replace","path":"/data/none/deeper","value":1}]', 422],
    ['application/json-patch+json', '[{"op":"test","path":"/data/a","value":"2"}]', 422],
    ['application/merge-patch+json', '[1]', 400],
    ['application/strategic-merge-patch+json', '{"data":', 400],
    ['application/apply-patch+yaml', 'a: b: c', 400],
    ['application/merge-patch+json', '{"data":{"a":1}}', 400],
  ])('%s %s is answered %i', async (type, body, code) => {
    const reply = await api.call('PATCH', `${configMaps}/patched?fieldManager=test`, {
      body,
      headers: { 'content-type': type },
    });
    expect(reply.status, reply.text).toBe(code);
    expectFailure(reply, code, code === 400 ? 'BadRequest' : 'Invalid', /./);
  });

  it('refuses an unknown kind of patch and names those it knows', async () => {
    const reply = await api.call('PATCH', `${configMaps}/patched`, {
      body: '{}',
      headers: { 'content-type': 'application/foo-patch+json' },
    });
    expectFailure(reply, 415, 'UnsupportedMediaType', /application\/merge-patch\+json/);
  });

  it('demands a field manager for server-side apply', async () => {
    const reply = await api.call('PATCH', `${configMaps}/patched`, {
      body: configMap('patched'),
      headers: { 'content-type': 'application/apply-patch+yaml' },
    });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expectFailure(reply, reply.status, reply.status === 400 ? 'BadRequest' : 'Invalid', /fieldManager/);
  });
});

describe('queries', () => {
  it.each([
    ['labelSelector=a%20in%20(', /unable to parse requirement|found/],
    ['labelSelector=%3D%3Dx', /unable to parse requirement|found/],
    ['labelSelector=a%3D%2Fbad%2F', /invalid|Invalid/],
    ['fieldSelector=justaname', /invalid selector/],
    [
      'fieldSelector=spec.colour%3Dred',
      /field label not supported: spec\.colour|"spec\.colour" is not a known field selector/,
    ],
    ['limit=many', /limit|many/],
    ['continue=rubbish', /continue key is not valid/],
    ['resourceVersion=abc', /resourceVersion must be a decimal number/],
  ])('refuses ?%s', async (query, message) => {
    expectFailure(await api.call('GET', `${configMaps}?${query}`), 400, 'BadRequest', message);
  });

  it('refuses options that contradict each other', async () => {
    const reply = await api.call('GET', `${configMaps}?resourceVersionMatch=Exact`);
    expectFailure(reply, 422, 'Invalid', /resourceVersionMatch/);
  });

  it('refuses a future resource version in bounded time', async () => {
    const started = Date.now();
    const reply = await api.call('GET', `${configMaps}?resourceVersion=999999999`);
    expectFailure(reply, 504, 'Timeout', /Too large resource version: 999999999, current: \d+/);
    expect(Date.now() - started).toBeLessThan(8_000);
  });
});

describe('versions that have passed', () => {
  it('refuses an update of an older version and says what to do', async () => {
    const created = await api.call<{ metadata: { resourceVersion: string } }>('POST', configMaps, {
      body: configMap('stale', { a: '1' }),
    });
    const old = created.body.metadata.resourceVersion;
    const update = (value: string): object => ({
      ...configMap('stale', { a: value }),
      metadata: { name: 'stale', resourceVersion: old },
    });
    expect((await api.call('PUT', `${configMaps}/stale`, { body: update('2') })).status).toBe(200);
    expectFailure(
      await api.call('PUT', `${configMaps}/stale`, { body: update('3') }),
      409,
      'Conflict',
      'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
    );
    const body = { preconditions: { resourceVersion: old } };
    expectFailure(
      await api.call('DELETE', `${configMaps}/stale`, { body }),
      409,
      'Conflict',
      /Precondition failed/,
    );
    expectFailure(
      await api.call('PUT', `${configMaps}/gone`, {
        body: { ...configMap('gone'), metadata: { name: 'gone', resourceVersion: old } },
      }),
      404,
      'NotFound',
      'configmaps "gone" not found',
    );
  });

  it('answers an expired continue with 410 and a token that goes on from the present; the same for old watches', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) {
      await api.call('POST', configMaps, { body: configMap(name) });
    }
    const first = await api.call<ApiList>('GET', `${configMaps}?limit=1`);
    const version = first.body.metadata.resourceVersion;
    await outliveHistory(cluster);
    const next = `${configMaps}?limit=1&continue=${encodeURIComponent(first.body.metadata.continue ?? '')}`;
    const expired = await eventually('the history is dropped', async () => {
      const reply = await api.call<ApiReply['body'] & { metadata: { continue?: string } }>('GET', next);
      return reply.status === 410 && reply;
    });
    expectFailure(
      expired,
      410,
      'Expired',
      /The provided continue parameter is too old to display a consistent list result/,
    );
    const inconsistent = expired.body.metadata.continue ?? '';
    const resumed = await api.call<ApiList>(
      'GET',
      `${configMaps}?continue=${encodeURIComponent(inconsistent)}`,
    );
    expect(resumed.status).toBe(200);
    expect(resumed.body.items.map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining(['page-2', 'page-3']),
    );
    const watched = await api.call(
      'GET',
      `${configMaps}?watch=true&resourceVersion=${version}&timeoutSeconds=5`,
    );
    const status =
      watched.status === 200 ? (JSON.parse(watched.text) as { object: unknown }).object : watched.body;
    expect(status).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' });
    const exact = `${configMaps}?resourceVersion=${version}&resourceVersionMatch=Exact`;
    expectFailure(await api.call('GET', exact), 410, 'Expired', /too old/);
  }, 120_000);
});

describe('who asks', () => {
  it('lets anonymous clients see health and version, nothing else', async () => {
    const nobody = as({});
    for (const path of ['/livez', '/readyz', '/healthz', '/version']) {
      expect((await nobody.call('GET', path)).status, path).toBe(200);
    }
    for (const path of ['/api', configMaps, '/metrics', '/openapi/v3', '/trireme/v1/status']) {
      expectFailure(await nobody.call('GET', path), 401, 'Unauthorized', 'Unauthorized');
    }
  });

  it('does not believe a certificate of another authority, nor an expired one, nor a serving one', async () => {
    const foreign = await createCertificateAuthority('kubernetes-ca');
    const stranger = await issueCertificate(foreign, {
      commonName: 'kubernetes-admin',
      organizations: ['system:masters'],
      usages: ['client'],
    });
    const foreigner = as({ cert: stranger.certificate, key: stranger.privateKey });
    await expectRefused(foreigner);
    const authority = { certificate: pki(cluster, 'ca.crt'), privateKey: pki(cluster, 'ca.key') };
    const server = await issueCertificate(authority, {
      commonName: 'kubernetes-admin',
      organizations: ['system:masters'],
      usages: ['server'],
    });
    await expectRefused(as({ cert: server.certificate, key: server.privateKey }));
  });

  it('does not believe a token that it did not sign', async () => {
    for (const token of ['rubbish', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06YWRtaW4ifQ.']) {
      expectFailure(await as({ token }).call('GET', configMaps), 401, 'Unauthorized', 'Unauthorized');
    }
  });

  it('does not believe headers that speak for a user', async () => {
    const headers = { 'x-remote-user': 'kubernetes-admin', 'x-remote-group': 'system:masters' };
    expectFailure(await as({}).call('GET', configMaps, { headers }), 401, 'Unauthorized', 'Unauthorized');
  });

  it('says who may not do what, and where', async () => {
    const authority = { certificate: pki(cluster, 'ca.crt'), privateKey: pki(cluster, 'ca.key') };
    const pair = await issueCertificate(authority, { commonName: 'jane', usages: ['client'] });
    const jane = as({ cert: pair.certificate, key: pair.privateKey });
    const forbidden = async (method: string, path: string, message: string, body?: object): Promise<void> =>
      expectFailure(await jane.call(method, path, { body }), 403, 'Forbidden', message);
    await forbidden(
      'GET',
      configMaps,
      'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "default"',
    );
    await forbidden(
      'GET',
      '/api/v1/nodes/node-1',
      'nodes "node-1" is forbidden: User "jane" cannot get resource "nodes" in API group "" at the cluster scope',
    );
    await forbidden(
      'POST',
      deployments,
      'deployments.apps is forbidden: User "jane" cannot create resource "deployments" in API group "apps" in the namespace "default"',
      deployment('hers'),
    );
    await forbidden('GET', '/metrics', 'forbidden: User "jane" cannot get path "/metrics"');
    const impersonate = await jane.call('GET', configMaps, {
      headers: { 'impersonate-user': 'kubernetes-admin' },
    });
    expectFailure(
      impersonate,
      403,
      'Forbidden',
      'users "kubernetes-admin" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    await forbidden('POST', '/trireme/v1/partition', 'cannot post path "/trireme/v1/partition"', {
      from: [],
    });
  });

  it('does not let someone grant rights that he has not', async () => {
    const rules = [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'], verbs: ['*'] }];
    const kind = 'rbac.authorization.k8s.io/v1';
    const roles = '/apis/rbac.authorization.k8s.io/v1';
    await api.call('POST', `${roles}/clusterroles`, {
      body: {
        apiVersion: kind,
        kind: 'ClusterRole',
        metadata: { name: 'rbac-writer' },
        rules: [{ ...rules[0], verbs: ['create', 'update'] }],
      },
    });
    await api.call('POST', `${roles}/clusterrolebindings`, {
      body: {
        apiVersion: kind,
        kind: 'ClusterRoleBinding',
        metadata: { name: 'rbac-writer' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'rbac-writer' },
        subjects: [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }],
      },
    });
    const authority = { certificate: pki(cluster, 'ca.crt'), privateKey: pki(cluster, 'ca.key') };
    const pair = await issueCertificate(authority, { commonName: 'mallory', usages: ['client'] });
    const mallory = as({ cert: pair.certificate, key: pair.privateKey });
    const grab = {
      apiVersion: kind,
      kind: 'Role',
      metadata: { name: 'grab' },
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
    };
    const reply = await eventually('the binding is seen by the authorizer', async () => {
      const answer = await mallory.call('POST', `${roles}/namespaces/default/roles`, { body: grab });
      return answer.body.message?.includes('cannot create resource') !== true && answer;
    });
    expectFailure(reply, 403, 'Forbidden', /is attempting to grant RBAC permissions not currently held/);
  });
});

/** Either the handshake or the API refuses; no answer gives anything away. */
async function expectRefused(client: Api): Promise<void> {
  let reply: ApiReply;
  try {
    reply = await client.call('GET', configMaps);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toMatch(/^(ERR_SSL_|ECONNRESET)/);
    return;
  }
  expectFailure(reply, 401, 'Unauthorized', 'Unauthorized');
}
