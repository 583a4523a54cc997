import type { KubernetesObject } from '#libs/apimachinery';
import type { Storage } from '#libs/consensus';
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from '../authz.js';
import type { DecodedCache } from '../registry/decoded-cache.js';
import { prefixOf } from '../registry/keys.js';
import type { UserInfo } from '../request.js';
import { componentRoles } from './bootstrap/component-roles.js';
import { parseRule } from './bootstrap/role-table.js';
import { podReferences } from './pod-references.js';
import { RuleSet } from './rule-set.js';
import { StoredKind } from './stored-kind.js';

/** Name of the node whose credentials these are; undefined for all others. */
export function nodeNameOf(user: UserInfo): string | undefined {
  const prefix = 'system:node:';
  return user.username.startsWith(prefix) && user.groups.includes('system:nodes')
    ? user.username.slice(prefix.length)
    : undefined;
}

/** Which objects the pods of each node refer to; pods are read on the first question, and changes as they come. */
class NodeGraph {
  readonly #byPod = new Map<
    string,
    { readonly nodeName: string; readonly references: ReadonlySet<string> }
  >();
  /** node → reference → how many of its pods have it. */
  readonly #byNode = new Map<string, Map<string, number>>();
  #pods: StoredKind | undefined;

  constructor(
    readonly storage: Storage,
    readonly decoded: DecodedCache,
  ) {}

  refers(nodeName: string, reference: string): boolean {
    this.#pods ??= new StoredKind(this.storage, this.decoded, '', 'pods', {
      put: (key, object) => this.#put(key, object),
      remove: (key) => this.#remove(key),
    });
    this.#pods.settle();
    return this.#byNode.get(nodeName)?.has(reference) === true;
  }

  close(): void {
    this.#pods?.close();
  }

  #put(key: string, object: KubernetesObject): void {
    this.#remove(key);
    const pod = podReferences(object);
    if (pod === undefined) return;
    this.#byPod.set(key, pod);
    const counts = this.#byNode.get(pod.nodeName) ?? new Map<string, number>();
    this.#byNode.set(pod.nodeName, counts);
    for (const reference of pod.references) counts.set(reference, (counts.get(reference) ?? 0) + 1);
  }

  #remove(key: string): void {
    const pod = this.#byPod.get(key);
    if (pod === undefined) return;
    this.#byPod.delete(key);
    const counts = this.#byNode.get(pod.nodeName);
    if (counts === undefined) return;
    for (const reference of pod.references) {
      const left = (counts.get(reference) ?? 1) - 1;
      if (left === 0) counts.delete(reference);
      else counts.set(reference, left);
    }
    if (counts.size === 0) this.#byNode.delete(pod.nodeName);
  }
}

const allow: AuthorizationDecision = { decision: 'allow', reason: '' };
const refuse = (reason: string): AuthorizationDecision => ({ decision: 'noOpinion', reason });
const readVerbs = new Set(['get', 'list', 'watch']);
const writeVerbs = new Set(['create', 'update', 'patch']);

/**
 * What kubelets may do: their own Node, Lease and CSINode, pods, and of secrets, configmaps, claims, volumes and service
 * accounts only those that pods bound to them refer to (Kubernetes documentation, "Using Node Authorization").
 * Everything else is as the role system:node says. What they may write in those objects is `checkNodeRestriction`'s.
 */
export class NodeAuthorizer implements Authorizer {
  readonly #graph: NodeGraph;
  readonly #rules = new RuleSet();

  constructor(
    readonly storage: Storage,
    readonly decoded: DecodedCache,
  ) {
    this.#graph = new NodeGraph(storage, decoded);
    this.#rules.add((componentRoles['system:node'] ?? []).map(parseRule), 'node rule');
  }

  close(): void {
    this.#graph.close();
  }

  authorize(attributes: AuthorizationAttributes): AuthorizationDecision {
    const nodeName = nodeNameOf(attributes.user);
    if (nodeName === undefined) return refuse('');
    if (attributes.resourceRequest) {
      const special = this.#special(nodeName, attributes);
      if (special !== undefined) return special;
    }
    const { verb, group, resource, subresource, name, path } = attributes;
    const allowed = attributes.resourceRequest
      ? this.#rules.allowsResource(verb, group, resource, subresource, name)
      : this.#rules.allowsPath(verb, path);
    return allowed === undefined ? refuse('') : allow;
  }

  /** Answers where the role would grant too much; undefined leaves it to the role. */
  #special(nodeName: string, attributes: AuthorizationAttributes): AuthorizationDecision | undefined {
    const { verb, group, resource, subresource, namespace, name } = attributes;
    switch (group === '' ? resource : `${resource}.${group}`) {
      case 'secrets':
      case 'configmaps':
        return this.#related(nodeName, attributes, readVerbs);
      case 'resourceclaims.resource.k8s.io':
        return this.#related(nodeName, attributes, new Set(['get']));
      case 'persistentvolumeclaims':
        if (subresource === '') return this.#related(nodeName, attributes, new Set(['get']));
        return subresource === 'status'
          ? this.#related(nodeName, attributes, new Set(['update', 'patch']))
          : undefined;
      case 'serviceaccounts':
        return subresource === 'token' && verb === 'create'
          ? this.#related(nodeName, attributes, new Set(['create']))
          : this.#related(nodeName, attributes, new Set(['get']));
      case 'persistentvolumes':
        return this.#volume(nodeName, attributes);
      case 'volumeattachments.storage.k8s.io':
        return this.#attachment(nodeName, attributes);
      case 'leases.coordination.k8s.io':
        return this.#own(nodeName, attributes, namespace === 'kube-node-lease', 'lease');
      case 'csinodes.storage.k8s.io':
        return this.#own(nodeName, attributes, true, 'CSINode');
      case 'nodes':
        if (!readVerbs.has(verb) || name === nodeName) return undefined;
        return refuse(
          `node ${JSON.stringify(nodeName)} cannot read ${JSON.stringify(name)}, only its own Node object`,
        );
      default:
        return undefined;
    }
  }

  #related(
    nodeName: string,
    attributes: AuthorizationAttributes,
    verbs: ReadonlySet<string>,
  ): AuthorizationDecision {
    const { verb, resource, namespace, name } = attributes;
    if (!verbs.has(verb)) return refuse(`can only ${[...verbs].join(', ')} this resource`);
    if (name === '') return refuse('No Object name found');
    if (namespace === '') return refuse('can only read namespaced object of this type');
    return this.#graph.refers(nodeName, `${resource}/${namespace}/${name}`)
      ? allow
      : refuse(`no relationship found between node ${JSON.stringify(nodeName)} and this object`);
  }

  #stored(group: string, resource: string, name: string): KubernetesObject | undefined {
    const keyValue = name === '' ? undefined : this.storage.get(prefixOf(group, resource) + name);
    return keyValue === undefined ? undefined : this.decoded.decode(keyValue);
  }

  #volume(nodeName: string, { verb, name }: AuthorizationAttributes): AuthorizationDecision {
    if (verb !== 'get') return refuse('can only get individual resources of this type');
    const spec = this.#stored('', 'persistentvolumes', name)?.['spec'] as
      { claimRef?: { namespace?: string; name?: string } } | undefined;
    const claim = spec?.claimRef;
    const reference = `persistentvolumeclaims/${claim?.namespace ?? ''}/${claim?.name ?? ''}`;
    return claim !== undefined && this.#graph.refers(nodeName, reference)
      ? allow
      : refuse(`no relationship found between node ${JSON.stringify(nodeName)} and this object`);
  }

  #attachment(nodeName: string, { verb, name }: AuthorizationAttributes): AuthorizationDecision {
    if (verb !== 'get') return refuse('can only get individual resources of this type');
    const spec = this.#stored('storage.k8s.io', 'volumeattachments', name)?.['spec'] as
      { nodeName?: string } | undefined;
    return spec?.nodeName === nodeName
      ? allow
      : refuse(`no relationship found between node ${JSON.stringify(nodeName)} and this object`);
  }

  /** An object with the node's own name. Creates come without a name in the path: NodeRestriction looks into the body. */
  #own(
    nodeName: string,
    { verb, name, subresource }: AuthorizationAttributes,
    rightPlace: boolean,
    what: string,
  ): AuthorizationDecision {
    const verbFits = verb === 'get' || verb === 'delete' || writeVerbs.has(verb);
    if (!verbFits || subresource !== '')
      return refuse(`can only get, create, update, patch, or delete a node's ${what}`);
    if (!rightPlace) return refuse('can only access leases in the "kube-node-lease" system namespace');
    if (verb === 'create' && name === '') return allow;
    return name === nodeName
      ? allow
      : refuse(`can only access ${what} with the same name as the requesting node`);
  }
}
