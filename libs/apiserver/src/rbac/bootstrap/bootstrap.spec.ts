import type { KubernetesObject } from '#libs/apimachinery';
import { beforeEach, describe, expect, it } from 'vitest';
import { prefixOf } from '../../registry/keys.js';
import { RbacAuthorizer } from '../rbac-authorizer.js';
import { binding, person, storeFixture, type StoreFixture } from '../store-fixture.js';
import { bootstrapObjects } from './bootstrap-objects.js';
import { bootstrapPolicy } from './bootstrap-policy.js';
import { ensureBootstrapObjects, reconciled, type BootstrapTarget } from './ensure-bootstrap.js';

const resources: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  PriorityClass: 'priorityclasses',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
};

let store: StoreFixture;
let target: BootstrapTarget;

beforeEach(() => {
  store = storeFixture();
  const put = async (object: KubernetesObject): Promise<void> =>
    void (await store.put(resources[object.kind]!, object));
  target = {
    async get(object) {
      const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0]! : '';
      const { name = '', namespace } = object.metadata;
      const key =
        prefixOf(group, resources[object.kind]!) + (namespace === undefined ? name : `${namespace}/${name}`);
      const found = store.storage.get(key);
      return found === undefined ? undefined : store.decoded.decode(found);
    },
    create: put,
    update: put,
  };
});

describe('ensureBootstrapObjects', () => {
  it('makes everything once, and writes nothing the second time', async () => {
    expect(await ensureBootstrapObjects(target)).toBe(bootstrapObjects().length);
    expect(await ensureBootstrapObjects(target)).toBe(0);
  });

  it('gives default roles back what they lost and keeps what an administrator added', async () => {
    await ensureBootstrapObjects(target);
    const extra = { apiGroups: ['example.org'], resources: ['widgets'], verbs: ['get'] };
    const view = bootstrapPolicy().find(
      (object) => object.metadata.name === 'system:basic-user' && object.kind === 'ClusterRole',
    )!;
    const wantedRules = view['rules'] as object[];
    await store.put('clusterroles', { ...view, rules: [extra, ...wantedRules.slice(1)] });
    expect(await ensureBootstrapObjects(target)).toBe(1);
    const after = (await target.get(view))!;
    expect(after['rules']).toEqual(expect.arrayContaining([extra, ...wantedRules.slice(1)]));
    const rbac = new RbacAuthorizer(store.storage, store.decoded);
    expect(rbac.rulesFor(person('ann'), 'default')).toContainEqual(extra);
  });

  it('leaves alone what is marked autoupdate=false', () => {
    const wanted = bootstrapPolicy()[0]!;
    const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
    expect(
      reconciled({ ...wanted, metadata: { ...wanted.metadata, annotations }, rules: [] }, wanted),
    ).toBeUndefined();
  });
});

describe('the default policy', () => {
  const may = async (): Promise<
    (role: string, verb: string, resource: string, group?: string) => boolean
  > => {
    await ensureBootstrapObjects(target);
    for (const role of ['admin', 'edit', 'view']) {
      await store.put(
        'rolebindings',
        binding(role, `ClusterRole/${role}`, [{ kind: 'User', name: role }], 'team'),
      );
    }
    const rbac = new RbacAuthorizer(store.storage, store.decoded);
    return (username, verb, what, group = '') => {
      const [resource = '', subresource = ''] = what.split('/');
      const attributes = {
        user: person(username),
        verb,
        group,
        resource,
        subresource,
        namespace: 'team',
        name: 'x',
      };
      return (
        rbac.authorize({ ...attributes, resourceRequest: true, version: 'v1', path: '' }).decision === 'allow'
      );
    };
  };

  it('gives viewers no secrets and no writes, editors no roles, admins no quotas', async () => {
    const can = await may();
    expect(can('view', 'list', 'pods')).toBe(true);
    expect(can('view', 'get', 'pods/log')).toBe(true);
    expect(can('view', 'get', 'secrets')).toBe(false);
    expect(can('view', 'create', 'pods')).toBe(false);
    expect(can('edit', 'get', 'secrets')).toBe(true);
    expect(can('edit', 'create', 'deployments', 'apps')).toBe(true);
    expect(can('edit', 'create', 'pods/exec')).toBe(true);
    expect(can('edit', 'create', 'rolebindings', 'rbac.authorization.k8s.io')).toBe(false);
    expect(can('admin', 'create', 'rolebindings', 'rbac.authorization.k8s.io')).toBe(true);
    expect(can('admin', 'list', 'pods')).toBe(true);
    expect(can('admin', 'update', 'resourcequotas')).toBe(false);
    expect(can('admin', 'update', 'namespaces')).toBe(false);
  });

  it('lets everybody authenticated ask what he may do, and controllers do their own work only', async () => {
    const can = await may();
    expect(can('ann', 'create', 'selfsubjectaccessreviews', 'authorization.k8s.io')).toBe(true);
    const controller = 'system:serviceaccount:kube-system:deployment-controller';
    expect(can(controller, 'create', 'replicasets', 'apps')).toBe(true);
    expect(can(controller, 'create', 'secrets')).toBe(false);
    expect(can('system:kube-scheduler', 'create', 'pods/binding')).toBe(true);
    expect(can('system:kube-scheduler', 'get', 'secrets')).toBe(false);
  });

  it('names each object once, and every binding binds a role that is there', () => {
    const objects = bootstrapPolicy();
    const key = (kind: string, namespace: string, name: string): string => `${kind} ${namespace}/${name}`;
    const keys = objects.map(({ kind, metadata }) =>
      key(kind, metadata.namespace ?? '', metadata.name ?? ''),
    );
    expect(new Set(keys).size).toBe(keys.length);
    for (const object of objects.filter(({ kind }) => kind.endsWith('Binding'))) {
      const { kind, name } = object['roleRef'] as { kind: string; name: string };
      expect(keys).toContain(key(kind, kind === 'Role' ? (object.metadata.namespace ?? '') : '', name));
    }
  });
});
