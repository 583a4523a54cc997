import { isJsonObject } from '../patch/json-value.js';
import type { Schema } from '../structure/schema.js';
import type { Json } from '../types.js';
import { memberSchema, shapeOf } from './typed.js';

/**
 * All of a value that its set of fields is made of: the names of its members, which are empty or null, and what its list
 * elements are known by. Made once and then compared with values of the same schema, without allocation.
 */
export type ValueShape =
  | { readonly kind: 'scalar' | 'whole map' | 'whole list' | 'empty list' }
  | { readonly kind: 'map'; readonly names: readonly string[]; readonly members: readonly ValueShape[] }
  | {
      readonly kind: 'list';
      readonly keys: readonly string[];
      /** For each element the values of the keys, or of a set the element itself. */
      readonly identities: readonly (readonly (Json | undefined)[])[];
      readonly members: readonly ValueShape[];
    };

export function valueShape(value: Json, schema: Schema | undefined): ValueShape {
  const shape = shapeOf(value, schema);
  if (Array.isArray(value)) {
    if (shape === 'leaf') return { kind: value.length === 0 ? 'empty list' : 'whole list' };
    const keys = schema?.listType === 'set' ? [] : (schema?.listMapKeys ?? []);
    const identities = value.map((item) =>
      keys.length === 0 ? [item] : keys.map((key) => keyOf(item, key)),
    );
    return { kind: 'list', keys, identities, members: value.map((item) => valueShape(item, schema?.items)) };
  }
  if (!isJsonObject(value)) return { kind: 'scalar' };
  if (shape === 'leaf') return { kind: 'whole map' };
  const names = Object.keys(value).filter((name) => value[name] !== null && value[name] !== undefined);
  return {
    kind: 'map',
    names,
    members: names.map((name) => valueShape(value[name]!, memberSchema(schema, name))),
  };
}

/** Whether a value has this shape; both are of one schema. */
export function hasShape(value: Json, shape: ValueShape): boolean {
  switch (shape.kind) {
    case 'scalar':
      return typeof value !== 'object';
    case 'whole map':
      return isJsonObject(value);
    case 'whole list':
      return Array.isArray(value) && value.length > 0;
    case 'empty list':
      return Array.isArray(value) && value.length === 0;
    case 'list':
      return Array.isArray(value) && hasElements(value, shape);
    case 'map': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
      const { names, members } = shape;
      let at = 0;
      for (const name in value) {
        const member = value[name];
        if (member === null || member === undefined) continue;
        if (names[at] !== name || !hasShape(member, members[at]!)) return false;
        at++;
      }
      return at === names.length;
    }
  }
}

function hasElements(value: readonly Json[], shape: Extract<ValueShape, { kind: 'list' }>): boolean {
  const { keys, identities, members } = shape;
  if (value.length !== members.length) return false;
  for (let index = 0; index < members.length; index++) {
    const item = value[index]!;
    const identity = identities[index]!;
    if (keys.length === 0 && item !== identity[0]) return false;
    for (let at = 0; at < keys.length; at++) if (keyOf(item, keys[at]!) !== identity[at]) return false;
    if (!hasShape(item, members[index]!)) return false;
  }
  return true;
}

function keyOf(item: Json, key: string): Json | undefined {
  return isJsonObject(item) ? item[key] : undefined;
}
