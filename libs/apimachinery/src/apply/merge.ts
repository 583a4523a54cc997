import { cloneJson, isJsonObject } from '../patch/json-value.js';
import type { Schema } from '../structure/schema.js';
import type { Json, JsonObject } from '../types.js';
import { isMember, type FieldSet } from './field-set.js';
import { elementOf, memberSchema, presentKeys, shapeOf } from './typed.js';

/** The live object with what the configuration says laid over it. Shares nothing with either. */
export function mergeApplied(live: JsonObject, config: JsonObject, schema: Schema | undefined): JsonObject {
  const result: JsonObject = {};
  for (const key of presentKeys(live)) {
    const over = Object.hasOwn(config, key) ? config[key] : undefined;
    result[key] = mergeValue(live[key]!, over, memberSchema(schema, key));
  }
  for (const key of presentKeys(config)) {
    if (!Object.hasOwn(result, key)) result[key] = withoutNulls(config[key]!);
  }
  return result;
}

function mergeValue(live: Json, over: Json | undefined, schema: Schema | undefined): Json {
  if (over === undefined || over === null) return cloneJson(live);
  const shape = shapeOf(over, schema);
  if (shape === 'leaf' || shapeOf(live, schema) !== shape) return withoutNulls(over);
  if (isJsonObject(over) && isJsonObject(live)) return mergeApplied(live, over, schema);
  return mergeLists(live as Json[], over as Json[], schema);
}

/** The configuration's order rules; elements that only the live list has keep their place among their neighbours. */
function mergeLists(live: readonly Json[], over: readonly Json[], schema: Schema | undefined): Json[] {
  const liveElements = live.map((item) => elementOf(item, schema));
  const overElements = over.map((item) => elementOf(item, schema));
  const wanted = new Set(overElements);
  const byElement = new Map(live.map((item, index) => [liveElements[index]!, item]));
  const merged = new Set<string>();
  const result: Json[] = [];
  let at = 0;
  const passLive = () => {
    for (; at < live.length; at++) {
      const element = liveElements[at]!;
      if (wanted.has(element)) {
        if (!merged.has(element)) return;
      } else result.push(cloneJson(live[at]!));
    }
  };
  for (const [index, item] of over.entries()) {
    passLive();
    const element = overElements[index]!;
    const before = byElement.get(element);
    result.push(before === undefined ? withoutNulls(item) : mergeValue(before, item, schema?.items));
    merged.add(element);
  }
  passLive();
  return result;
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item));
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  for (const key of presentKeys(value)) result[key] = withoutNulls(value[key]!);
  return result;
}

/** The object without the fields of the set; what becomes empty by it goes too. The object is the caller's own. */
export function removeFields(object: JsonObject, set: FieldSet, schema: Schema | undefined): JsonObject {
  for (const key of Object.keys(object)) {
    const node = set[`f:${key}`];
    const value = object[key];
    if (node === undefined || value === undefined) continue;
    const rest = isMember(node) ? undefined : removeBelow(value, node, memberSchema(schema, key));
    if (rest === undefined) delete object[key];
    else object[key] = rest;
  }
  return object;
}

function removeBelow(value: Json, set: FieldSet, schema: Schema | undefined): Json | undefined {
  const shape = shapeOf(value, schema);
  if (isJsonObject(value) && shape === 'map') {
    return Object.keys(removeFields(value, set, schema)).length === 0 ? undefined : value;
  }
  if (!Array.isArray(value) || shape !== 'list') return value;
  const kept: Json[] = [];
  for (const item of value) {
    const node = set[elementOf(item, schema)];
    if (node === undefined) kept.push(item);
    else if (!isMember(node)) kept.push(removeBelow(item, node, schema?.items) ?? item);
  }
  return kept.length === 0 ? undefined : kept;
}
