import { ApiError } from '../errors/api-error.js';
import type { Json, JsonObject } from '../types.js';

/** Levels of nesting in a patch at most: what recurses over it must not exhaust the stack. */
const depthMax = 256;

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member of the object itself, never one of its prototype. */
export function member(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

export function cloneJson<T extends Json>(value: T): T;
export function cloneJson(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => cloneJson(item));
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item !== undefined) copy[key] = cloneJson(item);
  }
  return copy;
}

/** Equality of JSON values; the order of an object's members has no meaning. */
export function equalJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => equalJson(item, b[index]));
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key], b[key]));
}

/** Refuses, with 400, a patch that is nested too deep or that names the prototype. */
export function checkPatchDocument(value: Json, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > depthMax) throw badPatch(`patch is nested deeper than ${depthMax} levels`);
  if (Array.isArray(value)) {
    for (const item of value) checkPatchDocument(item, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw badPatch('patch has the key "__proto__", which is not allowed');
    const item = value[key];
    if (item !== undefined) checkPatchDocument(item, depth + 1);
  }
}

/** Looks no deeper than the limit. */
export function exceedsDepth(value: Json | undefined, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (limit === 0) return true;
  return Object.values(value).some((item) => exceedsDepth(item, limit - 1));
}

/** The patch itself cannot be read. */
export function badPatch(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

/** The patch is well formed and does not fit the object. Kubernetes says the first half; what did not fit is ours. */
export function unprocessablePatch(detail: string): ApiError {
  return new ApiError(
    422,
    'Invalid',
    `the server rejected our request due to an error in our request: ${detail}`,
  );
}
