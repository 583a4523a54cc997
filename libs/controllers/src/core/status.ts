import type { KubernetesObject } from '#libs/apimachinery';
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
  if (sameStatus(object.status, status)) return false;
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

/**
 * Equality of statuses: a zero, an empty list or an empty object is the same as none. Servers leave such fields out
 * or in as each kind's Go type has it; a controller that saw a difference there would write for ever.
 */
export function sameStatus(left: unknown, right: unknown): boolean {
  if (left === right || (isNothing(left) && isNothing(right))) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, at) => sameStatus(item, right[at]));
  }
  const [a, b] = [left as Record<string, unknown>, right as Record<string, unknown>];
  return [...Object.keys(a), ...Object.keys(b)].every((key) => sameStatus(a[key], b[key]));
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === '' || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.values(value).every(isNothing);
}
