import type { KubernetesObject } from '#libs/apimachinery';

/** What was made of an object that several informers of a process are given: they share the result too. */
const cached = new WeakMap<KubernetesObject, KubernetesObject>();

/** Parts that objects of one template have in common, by their JSON; the oldest go first. */
const parts = new Map<string, object>();
const partsMax = 1_000;
/** Smaller parts are not worth a look; of larger ones, few are alike. */
const partLengthMin = 64;
const partLengthMax = 16_384;

/**
 * The form in which an informer keeps an object: without metadata.managedFields, which take as much memory as the rest
 * and which no controller reads, and with the parts that equal another object's (labels, annotations, the fields of
 * the spec) shared with it: the pods of a Deployment differ in little but their names. Cached objects are read only.
 */
export function cachedForm<T extends KubernetesObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  let result = cached.get(object) as T | undefined;
  if (result === undefined) {
    result = makeCachedForm(object);
    cached.set(object, result);
  }
  return result;
}

function makeCachedForm<T extends KubernetesObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  const { labels, annotations } = metadata;
  if (labels !== undefined) metadata.labels = shared(labels);
  if (annotations !== undefined) metadata.annotations = shared(annotations);
  const result: T & { spec?: unknown } = { ...object, metadata };
  if (typeof result.spec === 'object' && result.spec !== null && !Array.isArray(result.spec)) {
    const fields = Object.entries(result.spec);
    result.spec = Object.fromEntries(fields.map(([name, value]) => [name, shared(value as unknown)]));
  }
  return result;
}

function shared<T>(part: T): T {
  if (typeof part !== 'object' || part === null) return part;
  const text = JSON.stringify(part);
  if (text.length < partLengthMin || text.length > partLengthMax) return part;
  const known = parts.get(text);
  if (known !== undefined) return known as T;
  if (parts.size >= partsMax) {
    const oldest = parts.keys().next().value;
    if (oldest !== undefined) parts.delete(oldest);
  }
  parts.set(text, part);
  return part;
}
