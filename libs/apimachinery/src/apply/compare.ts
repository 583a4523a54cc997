import { equalJson, isJsonObject } from '../patch/json-value.js';
import type { Schema } from '../structure/schema.js';
import type { Json, JsonObject } from '../types.js';
import { addedFields } from './extract.js';
import { emptySet, isEmpty, leaf, type FieldSet } from './field-set.js';
import { elementOf, memberSchema, presentKeys, shapeOf } from './typed.js';

/** What differs between two objects of one kind. */
export interface Comparison {
  /** Added or modified. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

type Node = Record<string, FieldSet>;

export function compareObjects(
  before: JsonObject,
  after: JsonObject,
  schema: Schema | undefined,
): Comparison {
  const changed: Node = {};
  const removed: Node = {};
  compareMaps(before, after, schema, changed, removed);
  return { changed: isEmpty(changed) ? emptySet : changed, removed: isEmpty(removed) ? emptySet : removed };
}

function compareMaps(
  before: JsonObject,
  after: JsonObject,
  schema: Schema | undefined,
  changed: Node,
  removed: Node,
): void {
  for (const key of presentKeys(after)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    compareValues(old, after[key], memberSchema(schema, key), `f:${key}`, changed, removed);
  }
  for (const key of presentKeys(before)) {
    if (Object.hasOwn(after, key) && after[key] !== null && after[key] !== undefined) continue;
    removed[`f:${key}`] = addedFields(before[key]!, memberSchema(schema, key));
  }
}

function compareValues(
  before: Json | undefined,
  after: Json | undefined,
  schema: Schema | undefined,
  element: string,
  changed: Node,
  removed: Node,
): void {
  if (before === after) return;
  if (before === undefined || before === null) {
    changed[element] = addedFields(after ?? null, schema);
    return;
  }
  const value = after ?? null;
  const shape = shapeOf(value, schema);
  if (shape !== shapeOf(before, schema) || shape === 'leaf' || bothEmpty(before, value)) {
    if (!equalJson(before, value)) changed[element] = leaf;
    return;
  }
  const changedBelow: Node = {};
  const removedBelow: Node = {};
  if (isJsonObject(before) && isJsonObject(value)) {
    compareMaps(before, value, schema, changedBelow, removedBelow);
  } else compareLists(before as Json[], value as Json[], schema, changedBelow, removedBelow);
  if (!isEmpty(changedBelow)) changed[element] = changedBelow;
  if (!isEmpty(removedBelow)) removed[element] = removedBelow;
}

function bothEmpty(before: Json, after: Json): boolean {
  const size = (value: Json) => (typeof value === 'object' && value !== null ? Object.keys(value).length : 1);
  return size(before) === 0 && size(after) === 0;
}

function compareLists(
  before: readonly Json[],
  after: readonly Json[],
  schema: Schema | undefined,
  changed: Node,
  removed: Node,
): void {
  const old = new Map<string, Json>();
  for (const item of before) old.set(elementOf(item, schema), item);
  for (const item of after) {
    const element = elementOf(item, schema);
    compareValues(old.get(element), item, schema?.items, element, changed, removed);
    old.delete(element);
  }
  for (const [element, item] of old) removed[element] = addedFields(item, schema?.items);
}
