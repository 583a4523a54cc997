import type { KubernetesObject } from '#libs/apimachinery';
import type { Informer, Pod } from '#libs/client';
import { controllerOf } from './owner.js';

/** Uid of the controlling owner. */
export const byController = 'controller';
/** Namespace of what no controller owns. */
export const orphansByNamespace = 'orphan';
/** Name of the node that a pod is bound to. */
export const byNode = 'node';
/** `namespace/label=value` of every label of a pod. */
export const byLabel = 'label';

/** Adds the indexes by which dependents are found without scanning. */
export function indexByController<T extends KubernetesObject>(informer: Informer<T>): void {
  informer.addIndex(byController, (object) => {
    const owner = controllerOf(object);
    return owner === undefined ? [] : [owner.uid];
  });
  informer.addIndex(orphansByNamespace, (object) =>
    controllerOf(object) === undefined ? [object.metadata.namespace ?? ''] : [],
  );
}

export function indexByNode(informer: Informer<Pod>): void {
  informer.addIndex(byNode, (pod) => {
    const node = pod.spec.nodeName;
    return node === undefined || node === '' ? [] : [node];
  });
}

export function indexByLabel(informer: Informer<Pod>): void {
  informer.addIndex(byLabel, (pod) =>
    Object.entries(pod.metadata.labels ?? {}).map(([key, value]) =>
      labelIndexValue(pod.metadata.namespace ?? '', key, value),
    ),
  );
}

export function labelIndexValue(namespace: string, key: string, value: string): string {
  return `${namespace}/${key}=${value}`;
}

/** Pods of a namespace that carry all of `selector`'s labels; an empty selector selects none. */
export function podsWithLabels(
  informer: Informer<Pod>,
  namespace: string,
  selector: Readonly<Record<string, string>>,
): readonly Pod[] {
  const pairs = Object.entries(selector);
  const [first] = pairs;
  if (first === undefined) return [];
  const candidates = informer.lister.byIndex(byLabel, labelIndexValue(namespace, first[0], first[1]));
  if (pairs.length === 1) return candidates;
  return candidates.filter((pod) => pairs.every(([key, value]) => pod.metadata.labels?.[key] === value));
}
