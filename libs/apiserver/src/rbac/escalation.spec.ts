import { beforeEach, describe, expect, it } from 'vitest';
import { authorizerChain, fixedPolicy } from '../authz/chain.js';
import type { UserInfo } from '../request.js';
import { checkRbacEscalation, uncoveredRules, type EscalationContext } from './escalation.js';
import { RbacAuthorizer } from './rbac-authorizer.js';
import { binding, person, role, storeFixture, type StoreFixture } from './store-fixture.js';

let store: StoreFixture;
let context: EscalationContext;
const ann = person('ann');
const podReader = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
const secretReader = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };

beforeEach(async () => {
  store = storeFixture();
  const rbac = new RbacAuthorizer(store.storage, store.decoded);
  context = { rbac, authorizer: authorizerChain([fixedPolicy, rbac]) };
  await store.put('clusterroles', role('held', [podReader]));
  await store.put(
    'rolebindings',
    binding('held', 'ClusterRole/held', [{ kind: 'User', name: 'ann' }], 'team'),
  );
});

const check = (
  user: UserInfo,
  resource: string,
  object: ReturnType<typeof role>,
  previous?: ReturnType<typeof role>,
): Promise<void> => checkRbacEscalation({ user, resource, object, previous }, context);

async function grant(verb: string, resource: string, namespace?: string): Promise<void> {
  const rule = { apiGroups: ['rbac.authorization.k8s.io'], resources: [resource], verbs: [verb] };
  await store.put('clusterroles', role('extra', [rule]));
  const kind = namespace === undefined ? 'clusterrolebindings' : 'rolebindings';
  await store.put(kind, binding('extra', 'ClusterRole/extra', [{ kind: 'User', name: 'ann' }], namespace));
}

describe('roles', () => {
  it('lets a user write a role of what he holds there, and not elsewhere', async () => {
    await check(ann, 'roles', role('mine', [podReader], 'team'));
    await expect(check(ann, 'roles', role('mine', [podReader], 'other'))).rejects.toMatchObject({
      code: 403,
    });
    await expect(check(ann, 'clusterroles', role('mine', [podReader]))).rejects.toMatchObject({ code: 403 });
  });

  it('refuses more than he holds, naming exactly what is missing', async () => {
    const wanted = role('mine', [{ ...podReader, verbs: ['get', 'delete', 'watch'] }, secretReader], 'team');
    await expect(check(ann, 'roles', wanted)).rejects.toThrow(
      'roles.rbac.authorization.k8s.io "mine" is forbidden: user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "watch"]}\n' +
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
    );
  });

  it('lets him change all but the rules of a stronger role', async () => {
    const strong = role('strong', [secretReader], 'team');
    const labelled = { ...strong, metadata: { ...strong.metadata, labels: { a: 'b' } } };
    await check(ann, 'roles', labelled, strong);
    await expect(
      check(ann, 'roles', role('strong', [secretReader, podReader], 'team'), strong),
    ).rejects.toThrow(/not currently held/);
  });

  it('lets him write anything with the verb escalate, in the namespace where he has it', async () => {
    await grant('escalate', 'roles', 'team');
    await check(ann, 'roles', role('strong', [secretReader], 'team'));
    await expect(check(ann, 'roles', role('strong', [secretReader], 'other'))).rejects.toMatchObject({
      code: 403,
    });
  });

  it('demands everything of whoever sets up aggregation', async () => {
    const aggregate = {
      ...role('agg', []),
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
    };
    await expect(check(ann, 'clusterroles', aggregate)).rejects.toThrow(/Resources:\["\*"\]/);
    await check(person('root', 'system:masters'), 'clusterroles', aggregate);
  });
});

describe('bindings', () => {
  it('lets him bind a role of what he holds', async () => {
    await check(
      ann,
      'rolebindings',
      binding('b', 'ClusterRole/held', [{ kind: 'User', name: 'bob' }], 'team'),
    );
    await expect(
      check(ann, 'clusterrolebindings', binding('b', 'ClusterRole/held', [{ kind: 'User', name: 'bob' }])),
    ).rejects.toMatchObject({ code: 403 });
  });

  it('refuses a stronger one, unless he may bind it', async () => {
    await store.put('clusterroles', role('strong', [secretReader]));
    const wanted = binding('b', 'ClusterRole/strong', [{ kind: 'User', name: 'ann' }], 'team');
    await expect(check(ann, 'rolebindings', wanted)).rejects.toThrow(/Resources:\["secrets"\]/);
    await grant('bind', 'clusterroles', 'team');
    await check(ann, 'rolebindings', wanted);
  });

  it('answers 404 for a role that does not exist', async () => {
    const wanted = binding('b', 'Role/ghost', [{ kind: 'User', name: 'ann' }], 'team');
    await expect(check(ann, 'rolebindings', wanted)).rejects.toMatchObject({ code: 404 });
  });
});

describe('uncoveredRules', () => {
  const all = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  it.each([
    ['everything covers anything', [all], [podReader, secretReader], 0],
    ['a wildcard verb needs a wildcard verb', [podReader], [{ ...podReader, verbs: ['*'] }], 1],
    ['a wildcard resource needs a wildcard resource', [podReader], [{ ...podReader, resources: ['*'] }], 1],
    ['one name is less than all', [podReader], [{ ...podReader, resourceNames: ['a'] }], 0],
    ['all names are more than one', [{ ...podReader, resourceNames: ['a'] }], [podReader], 1],
    ['a subresource is not its resource', [podReader], [{ ...podReader, resources: ['pods/log'] }], 1],
    [
      '*/scale covers each scale',
      [{ apiGroups: ['apps'], resources: ['*/scale'], verbs: ['get'] }],
      [{ apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get'] }],
      0,
    ],
    [
      'a path prefix covers what is below',
      [{ nonResourceURLs: ['/logs/*'], verbs: ['get'] }],
      [{ nonResourceURLs: ['/logs/a', '/logs/b/*'], verbs: ['get'] }],
      0,
    ],
    [
      'one path is less than its prefix',
      [{ nonResourceURLs: ['/logs/a'], verbs: ['get'] }],
      [{ nonResourceURLs: ['/logs/*'], verbs: ['get'] }],
      1,
    ],
    [
      'rules add up',
      [podReader, secretReader],
      [{ apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['get'] }],
      0,
    ],
  ])('%s', (_, held, wanted, missing) => {
    expect(uncoveredRules(held, wanted)).toHaveLength(missing);
  });
});
