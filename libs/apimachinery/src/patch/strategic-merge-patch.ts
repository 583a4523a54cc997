import type { Schema } from '../structure/schema.js';
import type { Json, JsonObject } from '../types.js';
import {
  badPatch,
  checkPatchDocument,
  cloneJson,
  isJsonObject,
  member,
  unprocessablePatch,
} from './json-value.js';
import { deletePrimitives, mergeListOfMaps, mergePrimitives, orderList } from './strategic-lists.js';

const directive = '$patch';
const retainKeys = '$retainKeys';
const elementOrderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

/**
 * Strategic merge patch, as kubectl sends for built-in kinds: lists merge by the keys that the schema declares,
 * `$patch`, `$retainKeys`, `$setElementOrder/x` and `$deleteFromPrimitiveList/x` direct it. The result shares nothing with
 * either argument. Throws ApiError: 400 where a directive cannot be read, 422 where it does not fit.
 * Source: k8s.io/apimachinery/pkg/util/strategicpatch.
 */
export function applyStrategicMergePatch(document: JsonObject, patch: Json, schema: Schema): JsonObject {
  if (!isJsonObject(patch)) throw badPatch('error decoding patch: a strategic merge patch is an object');
  checkPatchDocument(patch);
  return mergeMap(document, patch, schema);
}

/** A field's schema: a declared property, or the values of a map. Unknown fields merge without any. */
function fieldSchema(schema: Schema | undefined, key: string): Schema | undefined {
  return schema?.properties?.get(key) ?? schema?.additionalProperties;
}

export function mergeMap(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  const instruction = member(patch, directive);
  if (instruction !== undefined) return directedMap(instruction, patch);
  const result: JsonObject = {};
  for (const key of Object.keys(original)) {
    const value = original[key];
    if (value !== undefined) result[key] = value;
  }
  keepRetained(result, patch);
  const done = mergeOrderedLists(result, patch, schema);
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === undefined || done.has(key) || key === retainKeys) continue;
    if (key.startsWith(deletePrefix)) deleteFromList(result, key.slice(deletePrefix.length), value, schema);
    else if (value === null) delete result[key];
    else result[key] = mergeValue(member(result, key), value, fieldSchema(schema, key));
  }
  return cloneTouched(result, original);
}

/** What the patch left alone is still the original's: copy it, so that the result is the caller's to change. */
function cloneTouched(result: JsonObject, original: JsonObject): JsonObject {
  for (const key of Object.keys(result)) {
    const value = result[key];
    if (value !== undefined && value === member(original, key)) result[key] = cloneJson(value);
  }
  return result;
}

function directedMap(instruction: Json, patch: JsonObject): JsonObject {
  if (instruction === 'delete') return {};
  if (instruction !== 'replace') {
    throw unprocessablePatch(
      `unknown patch type ${JSON.stringify(instruction)} in map: ${JSON.stringify(patch)}`,
    );
  }
  const replacement = cloneJson(patch);
  delete replacement[directive];
  return replacement;
}

function mergeValue(original: Json | undefined, value: Json, schema: Schema | undefined): Json {
  const replaces = schema?.patchStrategy.includes('replace') === true;
  if (isJsonObject(original) && isJsonObject(value)) {
    return replaces ? withoutDirectives(value) : mergeMap(original, value, schema);
  }
  if (Array.isArray(original) && Array.isArray(value)) return mergeList(original, value, schema);
  return withoutDirectives(value);
}

function mergeList(original: Json[], patch: Json[], schema: Schema | undefined): Json[] {
  if (schema?.patchStrategy.includes('merge') !== true) return withoutDirectives(patch) as Json[];
  if (original.length === 0 && patch.length === 0) return [];
  const isMap = isJsonObject((patch[0] ?? original[0]) as Json);
  if (!isMap) return mergePrimitives(original, patch);
  const mergeKey = schema.patchMergeKey;
  if (mergeKey === undefined) throw unprocessablePatch('cannot merge lists without merge key');
  return mergeListOfMaps(original, patch, mergeKey, {
    merge: (before, after) => mergeMap(before, after, schema.items),
    adopt: (item) => withoutDirectives(item) as JsonObject,
  });
}

/** `$retainKeys: [a, b]`: whatever of the map is not named is gone. */
function keepRetained(result: JsonObject, patch: JsonObject): void {
  const retained = member(patch, retainKeys);
  if (retained === undefined) return;
  if (!Array.isArray(retained)) throw badPatch('invalid patch format of retainKeys');
  const kept = new Set(retained);
  for (const key of Object.keys(patch)) {
    const directs = key === retainKeys || key.startsWith(deletePrefix) || key.startsWith(elementOrderPrefix);
    if (!directs && patch[key] !== null && !kept.has(key)) {
      throw badPatch('invalid patch format of retainKeys');
    }
  }
  for (const key of Object.keys(result)) {
    if (!kept.has(key)) delete result[key];
  }
}

/** Merges the lists that come with `$setElementOrder/`, and returns the patch's keys that are dealt with. */
function mergeOrderedLists(result: JsonObject, patch: JsonObject, schema: Schema | undefined): Set<string> {
  const done = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(elementOrderPrefix)) continue;
    done.add(key);
    const order = patch[key];
    const field = key.slice(elementOrderPrefix.length);
    if (!Array.isArray(order) || field === '') {
      throw badPatch('invalid patch format of setElementOrder list');
    }
    const before = member(result, field);
    const change = member(patch, field);
    if (change === null) continue;
    if (
      (before !== undefined && !Array.isArray(before)) ||
      (change !== undefined && !Array.isArray(change))
    ) {
      throw badPatch('invalid patch format of setElementOrder list');
    }
    if (before === undefined && change === undefined) continue;
    const listSchema = fieldSchema(schema, field);
    const merged =
      change === undefined ? cloneJson(before ?? []) : (mergeValue(before, change, listSchema) as Json[]);
    result[field] = orderList(merged, order, before ?? [], change ?? [], listSchema?.patchMergeKey);
    done.add(field);
  }
  return done;
}

function deleteFromList(result: JsonObject, field: string, value: Json, schema: Schema | undefined): void {
  if (!Array.isArray(value) || field === '') throw badPatch('invalid patch format of primitive list');
  const list = member(result, field);
  if (!Array.isArray(list)) return;
  if (fieldSchema(schema, field)?.patchStrategy.includes('merge') !== true) return;
  result[field] = deletePrimitives(list, value);
}

/** A value that the object did not have: directives have nothing to direct, nulls nothing to remove. */
function withoutDirectives(value: Json): Json {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !(isJsonObject(item) && Object.hasOwn(item, directive)))
      .map((item) => withoutDirectives(item));
  }
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  if (member(value, directive) === 'delete') return result;
  for (const key of Object.keys(value)) {
    const item = value[key];
    const directs =
      key === directive ||
      key === retainKeys ||
      key.startsWith(elementOrderPrefix) ||
      key.startsWith(deletePrefix);
    if (!directs && item !== null && item !== undefined) result[key] = withoutDirectives(item);
  }
  return result;
}
