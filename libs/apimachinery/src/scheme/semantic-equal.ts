import type { KubernetesObject } from '../types.js';

/**
 * Equality as Kubernetes' semantic DeepEqual sees it on decoded objects: an absent field equals an empty list or
 * string. Key order does not count.
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let index = 0; index < a.length; index++) if (!semanticEqual(a[index], b[index])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) {
    if (!semanticEqual(left[key], Object.hasOwn(right, key) ? right[key] : undefined)) return false;
  }
  for (const key in right) if (!Object.hasOwn(left, key) && !isEmpty(right[key])) return false;
  return true;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return Array.isArray(value) && value.length === 0;
}

/** True where anything but metadata, status and the type differs. */
export function changedBesideMetadataAndStatus(next: KubernetesObject, previous: KubernetesObject): boolean {
  for (const key of new Set([...Object.keys(next), ...Object.keys(previous)])) {
    if (key === 'metadata' || key === 'status' || key === 'apiVersion' || key === 'kind') continue;
    if (!semanticEqual(next[key], previous[key])) return true;
  }
  return false;
}
