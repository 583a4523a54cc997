import type { KubernetesObject } from '#libs/apimachinery';

/** What was made of an object that several informers of a process are given: they share the result too. */
const cached = new WeakMap<KubernetesObject, KubernetesObject>();

/** The latest different parts by the name of their field: objects of one template are made close together. */
const recentParts = new Map<string, object[]>();
const candidatesMax = 16;
const fieldsMax = 500;

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
  if (labels !== undefined) metadata.labels = shared('labels', labels);
  if (annotations !== undefined) metadata.annotations = shared('annotations', annotations);
  const result: T & { spec?: unknown } = { ...object, metadata };
  if (typeof result.spec === 'object' && result.spec !== null && !Array.isArray(result.spec)) {
    const spec: Record<string, unknown> = { ...result.spec };
    for (const field of Object.keys(spec)) spec[field] = shared(field, spec[field]);
    result.spec = spec;
  }
  return result;
}

function shared<T>(field: string, part: T): T {
  if (typeof part !== 'object' || part === null) return part;
  let candidates = recentParts.get(field);
  if (candidates === undefined) {
    if (recentParts.size >= fieldsMax) return part;
    recentParts.set(field, (candidates = []));
  }
  for (const candidate of candidates) if (equal(candidate, part)) return candidate as T;
  candidates.unshift(part);
  if (candidates.length > candidatesMax) candidates.pop();
  return part;
}

/** Of JSON values; unequal ones differ early as a rule. */
function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!equal(a[i], b[i])) return false;
    return true;
  }
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(one);
  if (Array.isArray(b) || Object.keys(other).length !== keys.length) return false;
  for (const key of keys) if (!equal(one[key], other[key])) return false;
  return true;
}
