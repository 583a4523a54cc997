import type { KubernetesObject } from '#libs/apimachinery';

/** What was made of an object that several informers of a process are given: they share the result too. */
const trimmed = new WeakMap<KubernetesObject, KubernetesObject>();

/** The object without metadata.managedFields, which take as much memory as the rest and which no controller reads. */
export function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  let result = trimmed.get(object) as T | undefined;
  if (result === undefined) {
    const { managedFields: _, ...metadata } = object.metadata;
    result = { ...object, metadata };
    trimmed.set(object, result);
  }
  return result;
}
