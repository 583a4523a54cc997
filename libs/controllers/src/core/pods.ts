import { ApiError, type KubernetesObject } from '#libs/apimachinery';
import { deepCopy, type Pod, type PodTemplateSpec } from '#libs/client';
import { controllerReference } from './owner.js';

/** A pod as `template` wants it, owned by `owner`. Shares nothing with either. */
export function podFromTemplate(
  template: PodTemplateSpec,
  owner: KubernetesObject,
  metadata: { readonly name?: string; readonly generateName?: string } = {
    generateName: `${owner.metadata.name}-`,
  },
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      namespace: owner.metadata.namespace ?? '',
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: deepCopy(template.spec),
  };
}

/** Nothing can be made in a namespace that ends; that is no failure of the maker. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true
  );
}

/** Requests of one reconcile that run at the same time. */
export const parallelWrites = 64;
