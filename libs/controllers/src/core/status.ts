import { semanticEqual, type KubernetesObject } from '#libs/apimachinery';
import { deepCopy, isNotFound, type ResourceClient } from '#libs/client';

/**
 * Writes `status` where it differs from the cached object's. Returns whether it wrote. A conflict is thrown: the
 * cache will show the newer object and the next reconcile starts from it.
 */
export async function writeStatus<T extends KubernetesObject & { status?: unknown }>(
  client: ResourceClient<T>,
  object: T,
  status: T['status'],
): Promise<boolean> {
  if (semanticEqual(object.status, status)) return false;
  try {
    await client.updateStatus({ ...deepCopy(object), status: deepCopy(status) });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false; // deleted meanwhile: nothing to report on
    throw error;
  }
}

/** In a namespace, where the object is in one. */
export function inNamespaceOf(object: KubernetesObject): { namespace?: string } {
  return object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace };
}
