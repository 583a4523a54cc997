import type { Schema } from '../structure/schema.js';
import type { JsonObject } from '../types.js';
import { createdFields } from './extract.js';
import { recursiveDifference, type FieldSet } from './field-set.js';
import { unownedFields } from './managed-fields.js';
import { hasShape, valueShape, type ValueShape } from './shape.js';

/** Templates remembered for a schema; the one not met for the longest goes. */
const templatesMax = 8;

interface Template {
  readonly subresource: string;
  readonly shape: ValueShape;
  readonly set: FieldSet;
}

/** The last met first. */
const templates = new WeakMap<Schema, Template[]>();
/** Sets of the cache as JSON; undefined until somebody wants it. */
const texts = new WeakMap<object, string | undefined>();

/**
 * What the creator of an object owns. Objects made from one template differ in values, not in fields: they share one set,
 * which nobody may change. Throws ApiError 400 as `createdFields`.
 */
export function createdSet(object: JsonObject, schema: Schema | undefined, subresource: string): FieldSet {
  if (schema === undefined) return owned(object, schema, subresource);
  let known = templates.get(schema);
  if (known === undefined) templates.set(schema, (known = []));
  const at = known.findIndex((each) => each.subresource === subresource && hasShape(object, each.shape));
  if (at === 0) return known[0]!.set;
  const template = at > 0 ? known[at]! : newTemplate(object, schema, subresource);
  if (at > 0) known.splice(at, 1);
  else if (known.length >= templatesMax) known.pop();
  known.unshift(template);
  return template.set;
}

function newTemplate(object: JsonObject, schema: Schema, subresource: string): Template {
  const set = owned(object, schema, subresource);
  texts.set(set, undefined);
  return { subresource, shape: valueShape(object, schema), set };
}

function owned(object: JsonObject, schema: Schema | undefined, subresource: string): FieldSet {
  return recursiveDifference(createdFields(object, schema), unownedFields(subresource));
}

/** JSON of a set that `createdSet` has made, written once; undefined for any other. */
export function createdSetText(set: object): string | undefined {
  const text = texts.get(set);
  if (text !== undefined || !texts.has(set)) return text;
  const written = JSON.stringify(set);
  texts.set(set, written);
  return written;
}
