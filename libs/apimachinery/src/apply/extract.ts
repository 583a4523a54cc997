import { isJsonObject } from '../patch/json-value.js';
import type { Schema } from '../structure/schema.js';
import type { Json, JsonObject } from '../types.js';
import { isEmpty, leaf, type FieldSet } from './field-set.js';
import { elementOf, memberSchema, shapeOf, untyped } from './typed.js';

/**
 * The fields that an applied configuration speaks of: its leaves, its list elements and its map entries, not the
 * structs between. Throws ApiError 400 for fields that the schema does not declare and for elements given twice.
 */
export function appliedFields(config: JsonObject, schema: Schema | undefined): FieldSet {
  return appliedMap(config, schema, '');
}

function appliedMap(object: JsonObject, schema: Schema | undefined, path: string): FieldSet {
  const set: Record<string, FieldSet> = {};
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value === null || value === undefined) continue;
    const declared = schema?.properties?.get(key);
    const child = declared ?? schema?.additionalProperties;
    const here = `${path}.${key}`;
    if (child === undefined && schema?.properties !== undefined && !schema.preserveUnknownFields) {
      throw untyped(`failed to create typed patch object: ${here}: field not declared in schema`);
    }
    const node = appliedValue(value, child, here);
    if (node === undefined) continue;
    set[`f:${key}`] = declared === undefined && !isEmpty(node) ? { '.': leaf, ...node } : node;
  }
  return set;
}

function appliedValue(value: Json, schema: Schema | undefined, path: string): FieldSet | undefined {
  const shape = shapeOf(value, schema);
  if (shape === 'leaf') return leaf;
  if (isJsonObject(value)) {
    const node = appliedMap(value, schema, path);
    return isEmpty(node) && Object.keys(value).length > 0 ? undefined : node;
  }
  const items = value as Json[];
  if (items.length === 0) return undefined;
  const set: Record<string, FieldSet> = {};
  for (const item of items) {
    const element = elementOf(item, schema);
    if (set[element] !== undefined) throw untyped(`${path}: duplicate entries for key ${element.slice(2)}`);
    const node = appliedValue(item, schema?.items, `${path}[${element.slice(2)}]`);
    set[element] = node === undefined || isEmpty(node) ? leaf : { '.': leaf, ...node };
  }
  return set;
}

/**
 * Structs that Go always writes, so that creating an object does not create them: their fields are owned, they are not.
 */
const valueStructs = new Set([
  'metadata',
  'spec',
  'status',
  'template',
  'strategy',
  'updateStrategy',
  'jobTemplate',
  'loadBalancer',
]);

/** The fields of a new object: all of it, as one who writes it whole owns them. */
export function createdFields(object: JsonObject, schema: Schema | undefined): FieldSet {
  const set: Record<string, FieldSet> = {};
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value === null || value === undefined) continue;
    const child = memberSchema(schema, key);
    if (isJsonObject(value) && valueStructs.has(key) && schema?.properties !== undefined) {
      const node = child?.mapType === 'atomic' ? leaf : createdFields(value, child);
      if (!isEmpty(node) || child?.mapType === 'atomic') set[`f:${key}`] = node;
    } else if (Array.isArray(value) && schema?.required.includes(key) === true && value.length === 0) {
      continue;
    } else set[`f:${key}`] = addedFields(value, child, schema?.required.includes(key) !== true);
  }
  return isEmpty(set) ? leaf : set;
}

/** A value that was not there: it and all below it. */
export function addedFields(value: Json, schema: Schema | undefined, member = true): FieldSet {
  const shape = shapeOf(value, schema);
  if (shape === 'leaf') return leaf;
  const set: Record<string, FieldSet> = {};
  let children = 0;
  if (Array.isArray(value)) {
    if (value.length === 0) return leaf;
    if (member) set['.'] = leaf;
    for (const item of value) {
      set[elementOf(item, schema)] = addedFields(item, schema?.items);
      children++;
    }
    return set;
  }
  if (member) set['.'] = leaf;
  const object = value as JsonObject;
  for (const key of Object.keys(object)) {
    const item = object[key];
    if (item === null || item === undefined) continue;
    set[`f:${key}`] = addedFields(item, memberSchema(schema, key));
    children++;
  }
  return children === 0 ? leaf : set;
}
