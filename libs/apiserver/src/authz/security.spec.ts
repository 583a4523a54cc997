import { generateKeyPairSync } from 'node:crypto';
import { createScheme, type KubernetesObject } from '#libs/apimachinery';
import { createMemoryStorage } from '#libs/consensus';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootstrapObjects } from '../rbac/bootstrap/bootstrap-objects.js';
import { person } from '../rbac/store-fixture.js';
import type { UnaryResponse, UserInfo } from '../request.js';
import { createApiServer, type ApiServer } from '../server.js';
import { createSecurity, type Security } from './security.js';

const root = person('root', 'system:masters');
let api: ApiServer;
let security: Security;

interface Answer {
  readonly status: number;
  readonly object: KubernetesObject;
}

async function call(
  user: UserInfo,
  method: string,
  path: string,
  object?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = (await api.handle({
    method,
    path,
    query: new URLSearchParams(),
    headers,
    body: object === undefined ? undefined : { bytes: Buffer.from(JSON.stringify(object)) },
    user,
    wantsObject: false,
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  })) as UnaryResponse;
  const text = Buffer.concat(answer.chunks ?? []).toString();
  return { status: answer.status, object: JSON.parse(text) as KubernetesObject };
}

const rbacPath = '/apis/rbac.authorization.k8s.io/v1';
const scheme = createScheme();

function collectionOf(object: KubernetesObject): string {
  const [first = '', second] = object.apiVersion.split('/');
  const [group, version] = second === undefined ? ['', first] : [first, second];
  const { resource = '', namespaced = false } = scheme.byKind({ group, version, kind: object.kind }) ?? {};
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespaced
    ? `${root}/namespaces/${object.metadata.namespace ?? ''}/${resource}`
    : `${root}/${resource}`;
}

beforeAll(async () => {
  const storage = createMemoryStorage();
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  security = await createSecurity({ storage, serviceAccountKeys: { privateKey } });
  api = createApiServer({
    storage,
    scheme,
    authorizer: security.authorizer,
    admission: security.admission,
    virtual: security.virtual,
    subresources: security.subresources,
    paths: security.paths,
  });
  for (const object of bootstrapObjects()) {
    const { status, object: answer } = await call(root, 'POST', collectionOf(object), object);
    expect([object.metadata.name, status, answer['message']]).toEqual([object.metadata.name, 201, undefined]);
  }
});

describe('the API with its security', () => {
  it('gives a service account a token that it can use, within its rights', async () => {
    const metadata = { name: 'robot', namespace: 'default' };
    await call(root, 'POST', '/api/v1/namespaces/default/serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata,
    });
    const made = await call(root, 'POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    });
    expect(made.status).toBe(201);
    expect(made.object).toMatchObject({ kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1' });
    const { token } = made.object['status'] as { token: string };
    const facts = {
      peerCertificate: undefined,
      authorization: `Bearer ${token}`,
      remoteAddress: '',
      headers: {},
    };
    const robot = (await security.authenticator.authenticate(facts)) as UserInfo;
    expect((await call(robot, 'GET', '/api/v1/namespaces/default/pods')).status).toBe(403);
    await call(root, 'POST', `${rbacPath}/namespaces/default/rolebindings`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'robot', namespace: 'default' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }],
    });
    expect((await call(robot, 'GET', '/api/v1/namespaces/default/pods')).status).toBe(200);
    expect((await call(robot, 'GET', '/api/v1/namespaces/default/secrets')).status).toBe(403);
    expect((await call(robot, 'GET', '/api/v1/namespaces/kube-system/pods')).status).toBe(403);
  });

  it('answers 404 for the token of an account that is not there, 403 for those who may not ask', async () => {
    const path = '/api/v1/namespaces/default/serviceaccounts/ghost/token';
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    expect((await call(root, 'POST', path, body)).status).toBe(404);
    expect((await call(person('ann'), 'POST', path, body)).status).toBe(403);
  });

  it('answers reviews, which everybody may ask about himself and few about others', async () => {
    const spec = { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'default' } };
    const self = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
    const asked = await call(
      person('ann'),
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      self,
    );
    expect(asked).toMatchObject({
      status: 201,
      object: { kind: 'SelfSubjectAccessReview', status: { allowed: false } },
    });
    const other = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { ...spec, user: 'x', groups: ['system:masters'] },
    };
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    expect((await call(person('ann'), 'POST', path, other)).status).toBe(403);
    expect(await call(root, 'POST', path, other)).toMatchObject({
      status: 201,
      object: { status: { allowed: true } },
    });
    const whoami = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    expect(
      await call(person('ann'), 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', whoami),
    ).toMatchObject({
      status: 201,
      object: { status: { userInfo: { username: 'ann' } } },
    });
  });

  it('stops a namespace admin from giving away more than he has', async () => {
    await call(root, 'POST', `${rbacPath}/namespaces/default/rolebindings`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'ann', namespace: 'default' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ann' }],
    });
    const roles = `${rbacPath}/namespaces/default/roles`;
    const role = (name: string, resource: string): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace: 'default' },
      rules: [{ apiGroups: [''], resources: [resource], verbs: ['update'] }],
    });
    expect((await call(person('ann'), 'POST', roles, role('fair', 'pods'))).status).toBe(201);
    const greedy = await call(person('ann'), 'POST', roles, role('greedy', 'nodes'));
    expect(greedy).toMatchObject({ status: 403, object: { reason: 'Forbidden' } });
    expect(greedy.object['message']).toContain('attempting to grant RBAC permissions not currently held');
  });

  it('keeps a node to itself', async () => {
    const n1: UserInfo = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
    const node = (name: string): object => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
    expect((await call(n1, 'POST', '/api/v1/nodes', node('n1'))).status).toBe(201);
    expect(await call(n1, 'POST', '/api/v1/nodes', node('n2'))).toMatchObject({ status: 403 });
    expect((await call(n1, 'GET', '/api/v1/secrets')).status).toBe(403);
    expect((await call(n1, 'DELETE', '/api/v1/nodes/n1')).status).toBe(403);
  });

  it('acts as another for those who may, with the rights of the other', async () => {
    const headers = { 'impersonate-user': 'ann' };
    expect((await call(root, 'GET', '/api/v1/namespaces/default/pods', undefined, headers)).status).toBe(200);
    expect((await call(root, 'GET', '/api/v1/nodes', undefined, headers)).status).toBe(403);
    expect(
      (await call(person('eve'), 'GET', '/api/v1/nodes', undefined, { 'impersonate-user': 'root' })).status,
    ).toBe(403);
  });
});
