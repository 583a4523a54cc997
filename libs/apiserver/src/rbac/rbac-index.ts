import type { KubernetesObject } from '#libs/apimachinery';
import type { Storage } from '#libs/consensus';
import type { DecodedCache } from '../registry/decoded-cache.js';
import { prefixOf } from '../registry/keys.js';
import type { UserInfo } from '../request.js';
import type { PolicyRule, RoleRef, Subject } from './policy-rule.js';
import { StoredKind } from './stored-kind.js';

const group = 'rbac.authorization.k8s.io';

/** One subject of one binding. */
export interface BoundSubject {
  readonly bindingKey: string;
  /** Of the binding; empty for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly roleKey: string;
  readonly roleRef: RoleRef;
  /** `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"`. */
  readonly description: string;
}

/** Key of a role in the store. */
export function roleKeyOf(roleRef: RoleRef, namespace: string): string {
  return roleRef.kind === 'ClusterRole'
    ? prefixOf(group, 'clusterroles') + roleRef.name
    : `${prefixOf(group, 'roles')}${namespace}/${roleRef.name}`;
}

/** Who a subject means: `u:` and a user name or `g:` and a group; undefined for what RBAC does not know. */
function subjectKey(subject: Subject, bindingNamespace: string): string | undefined {
  switch (subject.kind) {
    case 'User':
      return `u:${subject.name}`;
    case 'Group':
      return `g:${subject.name}`;
    case 'ServiceAccount': {
      const namespace = (subject.namespace ?? '') || bindingNamespace;
      return namespace === '' ? undefined : `u:system:serviceaccount:${namespace}:${subject.name}`;
    }
    default:
      return undefined;
  }
}

function describe(kind: string, name: string, namespace: string, roleRef: RoleRef, subject: Subject): string {
  const binding = JSON.stringify(namespace === '' ? name : `${name}/${namespace}`);
  const to =
    subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? namespace}` : subject.name;
  return `${kind} ${binding} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(to)}`;
}

/**
 * Roles and bindings of the store, found by subject. Up to date at each `settle`; `generation` counts the changes, so
 * that what was derived can be thrown away with them.
 */
export class RbacIndex {
  #generation = 0;
  readonly #rules = new Map<string, readonly PolicyRule[]>();
  readonly #subjectsOfBinding = new Map<string, readonly string[]>();
  /** subject → binding → what it binds; a binding may name a subject twice. */
  readonly #bySubject = new Map<string, Map<string, BoundSubject>>();
  readonly #kinds: readonly StoredKind[];

  constructor(storage: Storage, decoded: DecodedCache) {
    const roles = {
      put: (key: string, object: KubernetesObject) => {
        this.#rules.set(key, (object['rules'] as readonly PolicyRule[] | null | undefined) ?? []);
      },
      remove: (key: string) => void this.#rules.delete(key),
    };
    const bindings = {
      put: (key: string, object: KubernetesObject) => this.#putBinding(key, object),
      remove: (key: string) => this.#removeBinding(key),
    };
    this.#kinds = [
      new StoredKind(storage, decoded, group, 'clusterroles', roles),
      new StoredKind(storage, decoded, group, 'roles', roles),
      new StoredKind(storage, decoded, group, 'clusterrolebindings', bindings),
      new StoredKind(storage, decoded, group, 'rolebindings', bindings),
    ];
  }

  /** Takes in what has changed and returns the generation. */
  settle(): number {
    for (const kind of this.#kinds) if (kind.settle()) this.#generation++;
    return this.#generation;
  }

  close(): void {
    for (const kind of this.#kinds) kind.close();
  }

  rulesOf(roleKey: string): readonly PolicyRule[] | undefined {
    return this.#rules.get(roleKey);
  }

  /** All that is bound to the user, by name or by group, in every namespace. */
  *boundTo(user: UserInfo): Iterable<BoundSubject> {
    yield* this.#bySubject.get(`u:${user.username}`)?.values() ?? [];
    for (const name of user.groups) yield* this.#bySubject.get(`g:${name}`)?.values() ?? [];
  }

  #putBinding(key: string, object: KubernetesObject): void {
    this.#removeBinding(key);
    const namespace = object.metadata.namespace ?? '';
    const name = object.metadata.name ?? '';
    const kind = namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding';
    const roleRef = object['roleRef'] as RoleRef;
    const keys: string[] = [];
    for (const subject of (object['subjects'] as readonly Subject[] | null | undefined) ?? []) {
      const who = subjectKey(subject, namespace);
      if (who === undefined) continue;
      const bindings = this.#bySubject.get(who) ?? new Map<string, BoundSubject>();
      this.#bySubject.set(who, bindings);
      bindings.set(key, {
        bindingKey: key,
        namespace,
        roleKey: roleKeyOf(roleRef, namespace),
        roleRef,
        description: describe(kind, name, namespace, roleRef, subject),
      });
      keys.push(who);
    }
    this.#subjectsOfBinding.set(key, keys);
  }

  #removeBinding(key: string): void {
    for (const who of this.#subjectsOfBinding.get(key) ?? []) {
      const bindings = this.#bySubject.get(who);
      bindings?.delete(key);
      if (bindings?.size === 0) this.#bySubject.delete(who);
    }
    this.#subjectsOfBinding.delete(key);
  }
}
