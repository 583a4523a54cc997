import type { Schema } from '../structure/schema.js';
import { countKeys } from './scan.js';
import { canonicalTime } from './time.js';
import { isOmittedWhenZero } from '../structure/omit-zero.js';
import { canonicalQuantity } from './scalars.js';

/** A value of the wrong JSON type for its field; the message is Go's own. */
export class TypeMismatch extends Error {
  override readonly name = 'TypeMismatch';
}

/** What a walk found out. Reused between walks is not safe: make one each. */
export interface Findings {
  /** Paths of fields the schema does not know, which have been pruned. At most `maxUnknown`. */
  readonly unknown: string[];
  /** Keys seen, pruned ones and their insides included. */
  keys: number;
  /** Where the walk began. */
  root: Schema | undefined;
  /** Path segments to where the walk is; only [0, depth) holds. */
  readonly path: (string | number)[];
}

export function newFindings(): Findings {
  return { unknown: [], keys: 0, root: undefined, path: [] };
}

const maxUnknown = 100;

type Kind =
  | 'string'
  | 'int32'
  | 'int64'
  | 'number'
  | 'boolean'
  | 'int-or-string'
  | 'quantity'
  | 'time'
  | 'bytes'
  | 'struct'
  | 'array'
  | 'map'
  | 'any';

/** A schema node made ready to walk: one per schema node, so recursive schemas end. */
interface Walker {
  readonly kind: Kind;
  readonly schema: Schema;
  fields: Map<string, Field> | undefined;
  element: Walker | undefined;
}

interface Field {
  readonly walker: Walker;
  /** Go drops the field when it holds the zero value of its type. */
  readonly omitZero: boolean;
}

const walkers = new WeakMap<Schema, Walker>();

function walkerOf(schema: Schema): Walker {
  let walker = walkers.get(schema);
  if (walker === undefined) {
    walker = { kind: kindOf(schema), schema, fields: undefined, element: undefined };
    walkers.set(schema, walker);
  }
  return walker;
}

function kindOf(schema: Schema): Kind {
  if (schema.preserveUnknownFields) return 'any';
  if (schema.format === 'quantity') return 'quantity';
  if (schema.format === 'int-or-string') return 'int-or-string';
  switch (schema.type) {
    case 'string':
      if (schema.format === 'date-time') return 'time';
      return schema.format === 'byte' ? 'bytes' : 'string';
    case 'integer':
      return schema.format === 'int64' ? 'int64' : 'int32';
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      return schema.items === undefined ? 'any' : 'array';
    case 'object':
      if (schema.additionalProperties !== undefined) return 'map';
      return schema.properties === undefined && schema.definition === undefined ? 'any' : 'struct';
    default:
      return 'any';
  }
}

function fieldsOf(walker: Walker): Map<string, Field> {
  if (walker.fields === undefined) {
    walker.fields = new Map();
    for (const [name, schema] of walker.schema.properties ?? []) {
      walker.fields.set(name, {
        walker: walkerOf(schema),
        omitZero: isOmittedWhenZero(walker.schema.definition, name, schema),
      });
    }
  }
  return walker.fields;
}

function elementOf(walker: Walker): Walker {
  walker.element ??= walkerOf((walker.schema.items ?? walker.schema.additionalProperties)!);
  return walker.element;
}

/**
 * Makes a parsed value fit its schema as Go's decoder would, in place where it is an object: unknown fields and nulls
 * go, zero values that Go's encoder omits go, times and quantities become canonical. Returns the value to use.
 *
 * Throws TypeMismatch where a value has the wrong JSON type.
 */
export function conform(schema: Schema, value: unknown, findings: Findings): unknown {
  findings.root = schema;
  return walk(walkerOf(schema), value, findings, 0, undefined);
}

function walk(
  walker: Walker,
  value: unknown,
  findings: Findings,
  depth: number,
  owner: Schema | undefined,
): unknown {
  switch (walker.kind) {
    case 'string':
      if (typeof value === 'string') return value;
      throw mismatch(walker, value, findings, depth, owner);
    case 'int32':
    case 'int64':
      return walkInteger(walker, value, findings, depth, owner);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      throw mismatch(walker, value, findings, depth, owner);
    case 'number':
      if (typeof value === 'number') return value;
      throw mismatch(walker, value, findings, depth, owner);
    case 'struct':
      return walkStruct(walker, value, findings, depth, owner);
    case 'array':
      return walkArray(walker, value, findings, depth, owner);
    case 'map':
      return walkMap(walker, value, findings, depth, owner);
    case 'int-or-string':
      if (typeof value === 'string') return value;
      return walkInteger(walker, value, findings, depth, owner);
    case 'quantity':
      if (typeof value === 'string' || typeof value === 'number') return canonical(canonicalQuantity, value);
      throw new TypeMismatch(quantityMessage);
    case 'time':
      if (typeof value !== 'string') throw mismatch(walker, value, findings, depth, owner);
      return canonical(
        (text) => canonicalTime(text, walker.schema.definition?.endsWith('MicroTime') === true),
        value,
      );
    case 'bytes':
      if (typeof value !== 'string') throw mismatch(walker, value, findings, depth, owner);
      return checkBase64(value);
    case 'any':
      findings.keys += countKeys(value);
      return value;
  }
}

const quantityMessage =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Scalars with a form of their own say why they refuse a text; the walk tells it as a decoding error. */
function canonical<T>(make: (value: T) => string, value: T): string {
  try {
    return make(value);
  } catch (error) {
    throw new TypeMismatch(error instanceof Error ? error.message : String(error));
  }
}

/** As a double holds it. Integers beyond 2^53 lose their last digits, as in every JSON of JavaScript. */
const maxInt64 = 2 ** 63;

function walkInteger(
  walker: Walker,
  value: unknown,
  findings: Findings,
  depth: number,
  owner: Schema | undefined,
): number {
  if (typeof value !== 'number') throw mismatch(walker, value, findings, depth, owner);
  const fits =
    walker.kind === 'int64' ? Number.isInteger(value) && Math.abs(value) <= maxInt64 : (value | 0) === value;
  if (!fits) throw mismatch(walker, value, findings, depth, owner, `number ${value}`);
  return value;
}

function walkStruct(
  walker: Walker,
  value: unknown,
  findings: Findings,
  depth: number,
  owner: Schema | undefined,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw mismatch(walker, value, findings, depth, owner);
  const object = value as Record<string, unknown>;
  const fields = walker.fields ?? fieldsOf(walker);
  for (const key in object) {
    findings.keys++;
    const field = fields.get(key);
    const child = object[key];
    if (field === undefined) {
      if (findings.unknown.length < maxUnknown) findings.unknown.push(pathTo(findings.path, depth, key));
      findings.keys += countKeys(child);
      delete object[key];
      continue;
    }
    if (child === null || child === undefined) {
      delete object[key];
      continue;
    }
    findings.path[depth] = key;
    const kind = field.walker.kind;
    if (kind === 'string' ? typeof child === 'string' : kind === 'boolean' && typeof child === 'boolean') {
      if (field.omitZero && (child === '' || child === false)) delete object[key];
      continue;
    }
    const next = walk(field.walker, child, findings, depth + 1, walker.schema);
    if (field.omitZero && isZero(next)) delete object[key];
    else if (next !== child) object[key] = next;
  }
  return object;
}

function isZero(value: unknown): boolean {
  if (value === '' || value === 0 || value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value) return false;
  return true;
}

function walkArray(
  walker: Walker,
  value: unknown,
  findings: Findings,
  depth: number,
  owner: Schema | undefined,
): unknown {
  if (!Array.isArray(value)) throw mismatch(walker, value, findings, depth, owner);
  const element = walker.element ?? elementOf(walker);
  for (let index = 0; index < value.length; index++) {
    const item: unknown = value[index];
    findings.path[depth] = index;
    const next =
      item === null
        ? zeroOf(element)
        : walk(element, item, findings, depth + 1, element.kind === 'struct' ? element.schema : owner);
    if (next !== item) value[index] = next;
  }
  return value;
}

function walkMap(
  walker: Walker,
  value: unknown,
  findings: Findings,
  depth: number,
  owner: Schema | undefined,
): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw mismatch(walker, value, findings, depth, owner);
  const object = value as Record<string, unknown>;
  const element = walker.element ?? elementOf(walker);
  for (const key in object) {
    findings.keys++;
    const child = object[key];
    findings.path[depth] = key;
    const next =
      child === null || child === undefined
        ? zeroOf(element)
        : walk(element, child, findings, depth + 1, owner);
    if (next !== child) setOwn(object, key, next);
  }
  return object;
}

/** Assigning to `__proto__` would change the prototype instead of the map. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

/** What Go holds where a list or map has a null. */
function zeroOf(walker: Walker): unknown {
  switch (walker.kind) {
    case 'string':
    case 'bytes':
      return '';
    case 'int32':
    case 'int64':
    case 'number':
    case 'int-or-string':
      return 0;
    case 'boolean':
      return false;
    case 'quantity':
      return '0';
    case 'struct':
    case 'map':
      return {};
    case 'array':
      return [];
    case 'time':
    case 'any':
      return null;
  }
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function checkBase64(text: string): string {
  // Go's decoder skips line ends inside the data.
  const bare = text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\r\n]/g, '') : text;
  if (base64.test(bare)) return bare;
  const bad = bare.search(/[^A-Za-z0-9+/]/);
  throw new TypeMismatch(
    `illegal base64 data at input byte ${bad === -1 ? bare.length - (bare.length % 4) : bad}`,
  );
}

/** `spec.containers[0].foo`. */
export function pathTo(path: readonly (string | number)[], depth: number, key: string): string {
  let text = '';
  for (let index = 0; index < depth; index++) {
    const segment = path[index]!;
    if (typeof segment === 'number') text += `[${segment}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text === '' ? key : `${text}.${key}`;
}

function mismatch(
  walker: Walker,
  value: unknown,
  findings: Findings,
  depth: number,
  owner: Schema | undefined,
  word?: string,
): TypeMismatch {
  const found = word ?? (value === null ? 'null' : Array.isArray(value) ? 'array' : shortType(typeof value));
  const type = goType(walker);
  if (owner === undefined)
    return new TypeMismatch(`json: cannot unmarshal ${found} into Go value of type ${type}`);
  const names: string[] = [];
  // Go's field stack holds the names of struct fields: neither indices nor map keys.
  let schema = findings.root;
  for (let index = 0; index < depth; index++) {
    const segment = findings.path[index]!;
    const field: Schema | undefined = schema?.properties?.get(String(segment));
    if (field !== undefined) names.push(String(segment));
    schema = field ?? schema?.items ?? schema?.additionalProperties;
  }
  return new TypeMismatch(
    `json: cannot unmarshal ${found} into Go struct field ${structName(owner)}.${names.join('.')} of type ${type}`,
  );
}

function shortType(type: string): string {
  return type === 'boolean' ? 'bool' : type;
}

function structName(schema: Schema): string {
  return schema.definition?.slice(schema.definition.lastIndexOf('.') + 1) ?? 'struct';
}

function goType(walker: Walker): string {
  switch (walker.kind) {
    case 'boolean':
      return 'bool';
    case 'number':
      return 'float64';
    case 'int-or-string':
      return 'int32';
    case 'bytes':
      return '[]uint8';
    case 'time':
      return 'string';
    case 'array':
      return `[]${goType(elementOf(walker))}`;
    case 'map':
      return `map[string]${goType(elementOf(walker))}`;
    case 'struct': {
      const parts = (walker.schema.definition ?? 'struct').split('.');
      return parts.slice(-2).join('.');
    }
    default:
      return walker.kind;
  }
}
