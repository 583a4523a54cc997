import { beforeEach, describe, expect, it } from 'vitest';
import { authorizerChain, fixedPolicy } from '../authz/chain.js';
import type { AuthorizationAttributes } from '../authz.js';
import type { UserInfo } from '../request.js';
import { RbacAuthorizer } from './rbac-authorizer.js';
import { binding, person, role, storeFixture, type StoreFixture } from './store-fixture.js';

let store: StoreFixture;
let rbac: RbacAuthorizer;
const ann = person('ann', 'devs');

beforeEach(() => {
  store = storeFixture();
  rbac = new RbacAuthorizer(store.storage, store.decoded);
});

/** `verb resource[/sub][.group] [namespace][/name]`, or `verb /path`. */
function question(user: UserInfo, text: string): AuthorizationAttributes {
  const [verb = '', what = '', place = ''] = text.split(' ');
  const path = what.startsWith('/');
  const [qualified = '', subresource = ''] = what.split('/');
  const dot = qualified.indexOf('.');
  const [namespace = '', name = ''] = place.split('/');
  return {
    user,
    verb,
    resourceRequest: !path,
    group: path || dot < 0 ? '' : qualified.slice(dot + 1),
    version: 'v1',
    resource: path ? '' : dot < 0 ? qualified : qualified.slice(0, dot),
    subresource: path ? '' : subresource,
    namespace,
    name,
    path: path ? what : '',
  };
}

const allows = (user: UserInfo, text: string): boolean =>
  rbac.authorize(question(user, text)).decision === 'allow';

const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };

describe('RbacAuthorizer', () => {
  it('grants nothing without a binding, and never denies: another authorizer may still allow', async () => {
    await store.put('clusterroles', role('reader', [pods]));
    expect(rbac.authorize(question(ann, 'get pods default/a'))).toEqual({
      decision: 'noOpinion',
      reason: '',
    });
  });

  it('grants cluster-wide through a ClusterRoleBinding, to users, groups and service accounts', async () => {
    await store.put('clusterroles', role('reader', [pods]));
    await store.put(
      'clusterrolebindings',
      binding('b', 'ClusterRole/reader', [
        { kind: 'User', name: 'ann' },
        { kind: 'Group', name: 'ops' },
        { kind: 'ServiceAccount', name: 'robot', namespace: 'ci' },
      ]),
    );
    expect(allows(person('ann'), 'list pods')).toBe(true);
    expect(allows(person('bob', 'ops'), 'get pods default/a')).toBe(true);
    expect(allows(person('system:serviceaccount:ci:robot'), 'list pods other')).toBe(true);
    expect(allows(person('system:serviceaccount:cd:robot'), 'list pods')).toBe(false);
    expect(allows(person('bob'), 'list pods')).toBe(false);
    expect(allows(person('ops'), 'list pods')).toBe(false);
    expect(allows(ann, 'delete pods default/a')).toBe(false);
    expect(allows(ann, 'list secrets default')).toBe(false);
    expect(allows(ann, 'list pods.metrics.k8s.io default')).toBe(false);
  });

  it('says which binding grants', async () => {
    await store.put('clusterroles', role('reader', [pods]));
    await store.put(
      'rolebindings',
      binding('b', 'ClusterRole/reader', [{ kind: 'Group', name: 'devs' }], 'team'),
    );
    expect(rbac.authorize(question(ann, 'get pods team/a'))).toEqual({
      decision: 'allow',
      reason: 'RBAC: allowed by RoleBinding "b/team" of ClusterRole "reader" to Group "devs"',
    });
  });

  it('keeps a RoleBinding within its namespace, for Roles and for ClusterRoles', async () => {
    await store.put(
      'clusterroles',
      role('reader', [pods, { nonResourceURLs: ['/metrics'], verbs: ['get'] }]),
    );
    await store.put('roles', role('writer', [{ ...pods, verbs: ['create'] }], 'team'));
    await store.put('roles', role('writer', [{ ...pods, verbs: ['delete'] }], 'other'));
    await store.put(
      'rolebindings',
      binding('r', 'ClusterRole/reader', [{ kind: 'User', name: 'ann' }], 'team'),
    );
    await store.put('rolebindings', binding('w', 'Role/writer', [{ kind: 'User', name: 'ann' }], 'team'));
    expect(allows(ann, 'list pods team')).toBe(true);
    expect(allows(ann, 'create pods team')).toBe(true);
    expect(allows(ann, 'list pods other')).toBe(false);
    expect(allows(ann, 'list pods')).toBe(false);
    expect(allows(ann, 'delete pods other/a')).toBe(false);
    expect(allows(ann, 'get /metrics')).toBe(false);
  });

  it.each([
    [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      ['delete widgets.example.org a/b', 'get pods/log a/b'],
      [],
    ],
    [
      { apiGroups: ['apps'], resources: ['*'], verbs: ['get'] },
      ['get deployments.apps a/b'],
      ['get pods a/b'],
    ],
    [
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
      ['get pods/log a/b'],
      ['get pods a/b', 'get pods/exec a/b'],
    ],
    [
      { apiGroups: ['*'], resources: ['*/scale'], verbs: ['update'] },
      ['update deployments/scale.apps a/b'.replace('/scale.apps', '.apps/scale')],
      ['update deployments.apps a/b'],
    ],
    [
      { apiGroups: [''], resources: ['pods'], verbs: ['*'] },
      ['frobnicate pods a/b'],
      ['get pods/status a/b'],
    ],
  ])('reads wildcards as Kubernetes does: %j', async (rule, yes, no) => {
    await store.put('clusterroles', role('r', [rule]));
    await store.put('clusterrolebindings', binding('b', 'ClusterRole/r', [{ kind: 'User', name: 'ann' }]));
    for (const each of yes) expect([each, allows(ann, each)]).toEqual([each, true]);
    for (const each of no) expect([each, allows(ann, each)]).toEqual([each, false]);
  });

  it('limits to resourceNames: neither other names nor requests without one', async () => {
    await store.put(
      'clusterroles',
      role('r', [{ ...pods, verbs: ['get', 'list', 'create'], resourceNames: ['mine'] }]),
    );
    await store.put('clusterrolebindings', binding('b', 'ClusterRole/r', [{ kind: 'User', name: 'ann' }]));
    expect(allows(ann, 'get pods a/mine')).toBe(true);
    expect(allows(ann, 'get pods a/theirs')).toBe(false);
    expect(allows(ann, 'list pods a')).toBe(false);
    expect(allows(ann, 'create pods a')).toBe(false);
  });

  it('knows paths, exact and by prefix', async () => {
    await store.put(
      'clusterroles',
      role('r', [{ nonResourceURLs: ['/version', '/logs/*'], verbs: ['get'] }]),
    );
    await store.put('clusterrolebindings', binding('b', 'ClusterRole/r', [{ kind: 'User', name: 'ann' }]));
    expect(allows(ann, 'get /version')).toBe(true);
    expect(allows(ann, 'get /logs/a/b')).toBe(true);
    expect(allows(ann, 'get /logs')).toBe(false);
    expect(allows(ann, 'post /version')).toBe(false);
    expect(allows(ann, 'get /version/x')).toBe(false);
  });

  it('follows every change at once: grant, other rules, withdrawal', async () => {
    await store.put('clusterrolebindings', binding('b', 'ClusterRole/r', [{ kind: 'User', name: 'ann' }]));
    expect(allows(ann, 'get pods a/b')).toBe(false);
    await store.put('clusterroles', role('r', [pods]));
    expect(allows(ann, 'get pods a/b')).toBe(true);
    await store.put('clusterroles', role('r', [{ ...pods, verbs: ['list'] }]));
    expect(allows(ann, 'get pods a/b')).toBe(false);
    expect(allows(ann, 'list pods a')).toBe(true);
    await store.put('clusterrolebindings', binding('b', 'ClusterRole/r', [{ kind: 'User', name: 'bob' }]));
    expect(allows(ann, 'list pods a')).toBe(false);
    expect(allows(person('bob'), 'list pods a')).toBe(true);
    await store.remove('rbac.authorization.k8s.io', 'clusterrolebindings', 'b');
    expect(allows(person('bob'), 'list pods a')).toBe(false);
  });

  it('finds what was stored before it began', async () => {
    await store.put('clusterroles', role('r', [pods]));
    await store.put('clusterrolebindings', binding('b', 'ClusterRole/r', [{ kind: 'User', name: 'ann' }]));
    const late = new RbacAuthorizer(store.storage, store.decoded);
    expect(late.authorize(question(ann, 'get pods a/b')).decision).toBe('allow');
  });

  it('names a role that a binding refers to and nobody has made', async () => {
    await store.put(
      'clusterrolebindings',
      binding('b', 'ClusterRole/ghost', [{ kind: 'User', name: 'ann' }]),
    );
    expect(rbac.authorize(question(ann, 'get pods a/b')).reason).toBe(
      'RBAC: clusterrole.rbac.authorization.k8s.io "ghost" not found',
    );
  });

  it('is not fooled by names that are properties of objects', async () => {
    expect(allows(person('__proto__', 'constructor'), 'get constructor toString/valueOf')).toBe(false);
  });
});

describe('fixedPolicy', () => {
  const chain = (): ReturnType<typeof authorizerChain> => authorizerChain([fixedPolicy, rbac]);
  const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
  const decide = async (user: UserInfo, text: string): Promise<string> =>
    (await chain().authorize(question(user, text))).decision;

  it('lets system:masters do everything, whatever the policy', async () => {
    expect(
      await decide(person('root', 'system:masters'), 'delete clusterroles.rbac.authorization.k8s.io /x'),
    ).toBe('allow');
  });

  it('opens health and version to everybody, and nothing else, even when a binding says so', async () => {
    await store.put(
      'clusterroles',
      role('all', [
        { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
        { nonResourceURLs: ['*'], verbs: ['*'] },
      ]),
    );
    await store.put(
      'clusterrolebindings',
      binding('b', 'ClusterRole/all', [{ kind: 'Group', name: 'system:unauthenticated' }]),
    );
    for (const path of ['/livez', '/readyz', '/readyz/ping', '/healthz', '/version', '/version/']) {
      expect([path, await decide(anonymous, `get ${path}`)]).toEqual([path, 'allow']);
    }
    for (const text of [
      'get /metrics',
      'get /api',
      'get /livezz',
      'get /versions',
      'post /livez',
      'list pods default',
    ]) {
      expect([text, await decide(anonymous, text)]).toEqual([text, 'deny']);
    }
  });

  it('leaves everybody else to the policy', async () => {
    expect(await decide(ann, 'get /metrics')).toBe('noOpinion');
  });
});
