import type { KubernetesObject } from '#libs/apimachinery';
import { beforeEach, describe, expect, it } from 'vitest';
import { authorizerChain, fixedPolicy } from '../authz/chain.js';
import type { Authorizer } from '../authz.js';
import { RbacAuthorizer } from '../rbac/rbac-authorizer.js';
import { binding, person, role, storeFixture, type StoreFixture } from '../rbac/store-fixture.js';
import { reviewAccess, reviewSelfAccess } from './access-review.js';
import { reviewSelf, reviewSelfRules } from './self-review.js';

let store: StoreFixture;
let rbac: RbacAuthorizer;
let authorizer: Authorizer;
const ann = person('ann');
const list = { namespace: 'team', verb: 'list', resource: 'pods' };

beforeEach(async () => {
  store = storeFixture();
  rbac = new RbacAuthorizer(store.storage, store.decoded);
  authorizer = authorizerChain([fixedPolicy, rbac]);
  const rules = [
    { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
    { nonResourceURLs: ['/metrics'], verbs: ['get'] },
  ];
  await store.put('clusterroles', role('reader', rules));
  await store.put(
    'rolebindings',
    binding('r', 'ClusterRole/reader', [{ kind: 'User', name: 'ann' }], 'team'),
  );
  await store.put(
    'clusterrolebindings',
    binding('c', 'ClusterRole/reader', [{ kind: 'Group', name: 'ops' }]),
  );
});

const review = (spec: object): KubernetesObject => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'Review',
  metadata: {},
  spec,
});

describe('SelfSubjectAccessReview', () => {
  it('answers for the one who asks, with the reason', async () => {
    expect((await reviewSelfAccess(review({ resourceAttributes: list }), ann, authorizer))['status']).toEqual(
      {
        allowed: true,
        reason: 'RBAC: allowed by RoleBinding "r/team" of ClusterRole "reader" to User "ann"',
      },
    );
    const elsewhere = { ...list, namespace: 'other' };
    expect(
      (await reviewSelfAccess(review({ resourceAttributes: elsewhere }), ann, authorizer))['status'],
    ).toEqual({
      allowed: false,
    });
    const path = { nonResourceAttributes: { path: '/metrics', verb: 'get' } };
    expect((await reviewSelfAccess(review(path), person('bob', 'ops'), authorizer))['status']).toMatchObject({
      allowed: true,
    });
  });

  it('keeps what was asked in the answer', async () => {
    const asked = review({ resourceAttributes: list });
    expect(await reviewSelfAccess(asked, ann, authorizer)).toMatchObject(asked);
  });

  it.each([
    [{}, /spec\.resourceAttributes: .*exactly one of/],
    [
      { resourceAttributes: list, nonResourceAttributes: { path: '/', verb: 'get' } },
      /cannot be specified in combination/,
    ],
  ])('refuses %j', async (spec, message) => {
    await expect(async () => reviewSelfAccess(review(spec), ann, authorizer)).rejects.toThrow(message);
  });
});

describe('SubjectAccessReview', () => {
  it('answers for another, by name or by groups alone', async () => {
    const status = async (spec: object): Promise<unknown> =>
      (await reviewAccess(review({ resourceAttributes: list, ...spec }), authorizer))['status'];
    expect(await status({ user: 'ann' })).toMatchObject({ allowed: true });
    expect(await status({ user: 'bob' })).toEqual({ allowed: false });
    expect(await status({ groups: ['ops'] })).toMatchObject({ allowed: true });
    expect(await status({ groups: ['system:unauthenticated'] })).toMatchObject({
      allowed: false,
      denied: true,
    });
  });

  it('refuses to answer for nobody', async () => {
    await expect(async () => reviewAccess(review({ resourceAttributes: list }), authorizer)).rejects.toThrow(
      /at least one of user or group must be specified/,
    );
  });

  it('keeps a local one in its namespace', async () => {
    const spec = { user: 'ann', resourceAttributes: list };
    expect((await reviewAccess(review(spec), authorizer, 'team'))['status']).toMatchObject({ allowed: true });
    await expect(async () => reviewAccess(review(spec), authorizer, 'other')).rejects.toMatchObject({
      code: 400,
    });
    const path = { user: 'ann', nonResourceAttributes: { path: '/', verb: 'get' } };
    await expect(async () => reviewAccess(review(path), authorizer, 'team')).rejects.toMatchObject({
      code: 422,
    });
  });
});

describe('SelfSubjectRulesReview', () => {
  const rulesOf = (user: typeof ann, namespace: string): Record<string, unknown> =>
    reviewSelfRules(review({ namespace }), user, rbac)['status'] as Record<string, unknown>;

  it('lists what RBAC grants in the namespace', () => {
    expect(rulesOf(ann, 'team')).toMatchObject({
      resourceRules: [{ verbs: ['list'], apiGroups: [''], resources: ['pods'] }],
      incomplete: false,
    });
    expect(rulesOf(ann, 'other')).toMatchObject({ resourceRules: [], nonResourceRules: [] });
    expect(rulesOf(person('root', 'system:masters'), 'x')['resourceRules']).toEqual([
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    ]);
  });

  it('says so when another authorizer grants more, and refuses a missing namespace', () => {
    expect(rulesOf({ username: 'system:node:n', groups: ['system:nodes'] }, 'x')).toMatchObject({
      incomplete: true,
    });
    expect(() => rulesOf(ann, '')).toThrow('no namespace on request');
  });
});

describe('SelfSubjectReview', () => {
  it('says who asks', () => {
    const answer = reviewSelf(review({}), { ...ann, uid: '42', extra: { a: ['b'] } }, '2026-01-01T00:00:00Z');
    expect(answer['status']).toEqual({
      userInfo: { username: 'ann', uid: '42', groups: ['system:authenticated'], extra: { a: ['b'] } },
    });
  });
});
