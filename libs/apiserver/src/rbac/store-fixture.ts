import { randomUUID } from 'node:crypto';
import type { KubernetesObject } from '#libs/apimachinery';
import { createMemoryStorage, type Storage } from '#libs/consensus';
import { DecodedCache } from '../registry/decoded-cache.js';
import { prefixOf } from '../registry/keys.js';
import type { UserInfo } from '../request.js';

/** TEST ONLY. A store into which specs put objects below the API. */
export interface StoreFixture {
  readonly storage: Storage;
  readonly decoded: DecodedCache;
  /** Stores with a uid of its own unless the object has one; returns what is stored. */
  put(resource: string, object: KubernetesObject): Promise<KubernetesObject>;
  remove(group: string, resource: string, key: string): Promise<void>;
}

export function storeFixture(): StoreFixture {
  const storage = createMemoryStorage();
  return {
    storage,
    decoded: new DecodedCache(),
    async put(resource, object) {
      const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0]! : '';
      const { name = '', namespace } = object.metadata;
      const stored = { ...object, metadata: { uid: randomUUID(), ...object.metadata } };
      const key = prefixOf(group, resource) + (namespace === undefined ? name : `${namespace}/${name}`);
      const value = Buffer.from(JSON.stringify(stored));
      await storage.txn({ compare: [], success: [{ type: 'put', key, value }] });
      return stored;
    },
    async remove(group, resource, key) {
      await storage.txn({ compare: [], success: [{ type: 'delete', key: prefixOf(group, resource) + key }] });
    },
  };
}

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';

export function role(name: string, rules: readonly object[], namespace?: string): KubernetesObject {
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, rules };
}

export function binding(
  name: string,
  roleRef: string,
  subjects: readonly object[],
  namespace?: string,
): KubernetesObject {
  const [kind, roleName] = roleRef.split('/');
  return {
    apiVersion,
    kind: namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup, kind, name: roleName },
    subjects,
  };
}

export function person(username: string, ...groups: string[]): UserInfo {
  return { username, groups: [...groups, 'system:authenticated'] };
}
