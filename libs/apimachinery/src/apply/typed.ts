import { ApiError } from '../errors/api-error.js';
import { isJsonObject } from '../patch/json-value.js';
import type { Schema } from '../structure/schema.js';
import type { Json, JsonObject } from '../types.js';
import { valueElement } from './field-set.js';

/** How a value is owned: whole, by its members, or by its elements. */
export type Shape = 'leaf' | 'map' | 'list';

/** Where nothing is declared, maps are owned by member and lists whole. */
export function shapeOf(value: Json, schema: Schema | undefined): Shape {
  if (typeof value !== 'object' || value === null) return 'leaf';
  if (Array.isArray(value)) {
    return schema?.listType === 'map' || schema?.listType === 'set' ? 'list' : 'leaf';
  }
  return schema?.mapType === 'atomic' ? 'leaf' : 'map';
}

export function memberSchema(schema: Schema | undefined, key: string): Schema | undefined {
  return schema?.properties?.get(key) ?? schema?.additionalProperties;
}

/** List keys that Kubernetes defaults: an element may leave them out and is the same element. */
const defaultKeys: JsonObject = { protocol: 'TCP' };

/** Path element of a list's element. Throws ApiError 400 where a key is missing. */
export function elementOf(item: Json, schema: Schema | undefined): string {
  if (schema?.listType === 'set') return valueElement(item);
  let text = '';
  for (const [name, prefix] of keyPrefixes(schema)) {
    const own = isJsonObject(item) && Object.hasOwn(item, name) ? item[name] : undefined;
    const value = own ?? defaultKeys[name];
    if (value === undefined) {
      throw untyped(
        `associative list with keys has an element that omits key field ${JSON.stringify(name)} (and doesn't have default value)`,
      );
    }
    text += prefix + JSON.stringify(value);
  }
  return `k:{${text}}`;
}

const prefixes = new WeakMap<Schema, readonly (readonly [name: string, prefix: string])[]>();

/** A schema's list keys in the order of the alphabet, each with what stands before its value. */
function keyPrefixes(schema: Schema | undefined): readonly (readonly [string, string])[] {
  if (schema === undefined) return [];
  let known = prefixes.get(schema);
  if (known === undefined) {
    known = [...schema.listMapKeys]
      .sort()
      .map((name, index) => [name, `${index === 0 ? '' : ','}${JSON.stringify(name)}:`] as const);
    prefixes.set(schema, known);
  }
  return known;
}

export function untyped(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

/** Present members; null means absent in all that has to do with ownership. */
export function presentKeys(object: JsonObject): string[] {
  return Object.keys(object).filter((key) => object[key] !== null && object[key] !== undefined);
}
