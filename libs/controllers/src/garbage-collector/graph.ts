import type { KubernetesObject, OwnerReference } from '#libs/apimachinery';
import type { ResourceRef } from '#libs/client';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** What the collector knows of one object. */
export interface GraphNode {
  readonly uid: string;
  readonly ref: ResourceRef<KubernetesObject>;
  readonly namespace: string | undefined;
  readonly name: string;
  /** The newest state seen; shared with the cache. */
  object: KubernetesObject;
  owners: readonly OwnerReference[];
}

export function isDeleting(node: GraphNode): boolean {
  return node.object.metadata.deletionTimestamp !== undefined;
}

/** Being deleted, and waiting for its dependents to go first. */
export function deletesDependents(node: GraphNode): boolean {
  return isDeleting(node) && hasFinalizer(node.object, foregroundFinalizer);
}

export function orphansDependents(node: GraphNode): boolean {
  return isDeleting(node) && hasFinalizer(node.object, orphanFinalizer);
}

export function hasFinalizer(object: KubernetesObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) === true;
}

/**
 * Who owns whom, by uid, over all resources. Dependents are found by their owner's uid whether or not the owner has
 * been seen, so the order in which caches fill does not matter. Every step costs the number of owners, no more.
 */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Map<string, GraphNode>>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  get size(): number {
    return this.#nodes.size;
  }

  dependentsOf(uid: string): readonly GraphNode[] {
    const dependents = this.#dependents.get(uid);
    return dependents === undefined ? [] : [...dependents.values()];
  }

  hasDependents(uid: string): boolean {
    return this.#dependents.has(uid);
  }

  put(ref: ResourceRef<KubernetesObject>, object: KubernetesObject): GraphNode {
    const { uid = '', name = '', namespace, ownerReferences = [] } = object.metadata;
    let node = this.#nodes.get(uid);
    if (node === undefined) {
      node = { uid, ref, namespace, name, object, owners: [] };
      this.#nodes.set(uid, node);
    }
    node.object = object;
    if (!sameOwners(node.owners, ownerReferences)) {
      for (const owner of node.owners) this.#unlink(owner.uid, uid);
      node.owners = ownerReferences;
      for (const owner of ownerReferences) this.#link(owner.uid, node);
    }
    return node;
  }

  remove(uid: string): GraphNode | undefined {
    const node = this.#nodes.get(uid);
    if (node === undefined) return undefined;
    this.#nodes.delete(uid);
    for (const owner of node.owners) this.#unlink(owner.uid, uid);
    return node;
  }

  #link(owner: string, node: GraphNode): void {
    let dependents = this.#dependents.get(owner);
    if (dependents === undefined) this.#dependents.set(owner, (dependents = new Map()));
    dependents.set(node.uid, node);
  }

  #unlink(owner: string, uid: string): void {
    const dependents = this.#dependents.get(owner);
    if (dependents?.delete(uid) === true && dependents.size === 0) this.#dependents.delete(owner);
  }
}

/** The list stays the same array while it says the same: who follows the graph sees a change by identity. */
function sameOwners(left: readonly OwnerReference[], right: readonly OwnerReference[]): boolean {
  return (
    left.length === right.length &&
    left.every((owner, at) => {
      const other = right[at];
      return (
        owner.uid === other?.uid &&
        owner.name === other.name &&
        owner.kind === other.kind &&
        owner.apiVersion === other.apiVersion &&
        owner.blockOwnerDeletion === other.blockOwnerDeletion
      );
    })
  );
}
