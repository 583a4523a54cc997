import type { Json, JsonObject } from '../types.js';
import { badPatch, checkPatchDocument, cloneJson, isJsonObject } from './json-value.js';

/**
 * JSON Merge Patch (RFC 7386): objects merge, null removes, all else replaces. The result shares nothing with
 * either argument. Throws ApiError 400 where the patch is no object.
 */
export function applyMergePatch(document: JsonObject, patch: Json): JsonObject {
  if (!isJsonObject(patch)) throw badPatch('error decoding patch: a merge patch of an object is an object');
  checkPatchDocument(patch);
  return merge(document, patch);
}

function merge(target: Json | undefined, patch: JsonObject): JsonObject {
  const result: JsonObject = {};
  if (isJsonObject(target)) {
    for (const key of Object.keys(target)) {
      const value = target[key];
      if (value !== undefined && !Object.hasOwn(patch, key)) result[key] = cloneJson(value);
      // Keeps the member's place in the order; the value follows below.
      else if (value !== undefined && patch[key] !== null) result[key] = null;
    }
  }
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null || value === undefined) continue;
    const before = isJsonObject(target) && Object.hasOwn(target, key) ? target[key] : undefined;
    result[key] = isJsonObject(value) ? merge(before, value) : cloneJson(value);
  }
  return result;
}
