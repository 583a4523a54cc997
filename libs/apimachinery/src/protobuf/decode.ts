import type { Json, JsonObject } from '../types.js';
import { encodeBase64 } from './base64.js';
import { readRawJson, specialValue } from './decode-special.js';
import type { FieldPlan, MessagePlan, ScalarKind } from './plan.js';
import { bytesType, fixed64Type, malformed, varintType, type Reader } from './wire.js';

/** Messages within messages at most: deeper ones are an attack on the stack. */
const depthMax = 200;

/** Reads the fields of a message into `into`; unknown fields are passed over. Throws ApiError 400. */
export function readMessage(reader: Reader, plan: MessagePlan, into: JsonObject, depth = 0): JsonObject {
  if (depth > depthMax) throw malformed(`nested deeper than ${depthMax} messages`);
  while (!reader.done) {
    const { field: number, type } = reader.tag();
    const field = plan.byNumber.get(number);
    if (field === undefined) {
      reader.skip(type);
      continue;
    }
    try {
      readField(reader, field, type, into, depth);
    } catch (error) {
      throw within(error, field.name);
    }
  }
  return into;
}

const prefix = 'the protobuf body cannot be decoded: ';

/** Names the field that holds the fault: `spec.containers.image: unexpected EOF`. */
function within(error: unknown, field: string): unknown {
  if (!(error instanceof Error) || !error.message.startsWith(prefix)) return error;
  const detail = error.message.slice(prefix.length);
  const separator = /^[\w$-]+(\.[\w$-]+)*: /.test(detail) ? '.' : ': ';
  return malformed(`${field}${separator}${detail}`);
}

function readField(reader: Reader, field: FieldPlan, type: number, into: JsonObject, depth: number): void {
  const { name } = field;
  if (field.inline) {
    expectType(type, bytesType);
    readMessage(reader.part(), field.message!(), into, depth + 1);
  } else if (field.map) readEntry(reader, field, type, into, depth);
  else if (field.repeated) {
    const list = (into[name] ??= []) as Json[];
    if (type === bytesType && isNumeric(field.scalar)) readPacked(reader.part(), field.scalar, list);
    else {
      const value = readValue(reader, field, type, depth);
      if (value !== undefined) list.push(value);
    }
  } else {
    const value = readValue(reader, field, type, depth);
    if (value === undefined || (field.omitZero && isZero(value))) delete into[name];
    else into[name] = value;
  }
}

function isNumeric(kind: ScalarKind | undefined): kind is 'int32' | 'int64' | 'bool' | 'double' {
  return kind === 'int32' || kind === 'int64' || kind === 'bool' || kind === 'double';
}

function isZero(value: Json): boolean {
  return value === '' || value === 0 || value === false;
}

function readPacked(reader: Reader, kind: 'int32' | 'int64' | 'bool' | 'double', list: Json[]): void {
  while (!reader.done) list.push(readScalar(reader, kind, kind === 'double' ? fixed64Type : varintType));
}

function readEntry(reader: Reader, field: FieldPlan, type: number, into: JsonObject, depth: number): void {
  expectType(type, bytesType);
  const entry = reader.part();
  const map = (into[field.name] ??= {}) as JsonObject;
  let key = '';
  let value: Json | undefined;
  while (!entry.done) {
    const tag = entry.tag();
    if (tag.field === 1) {
      expectType(tag.type, bytesType);
      key = entry.text();
    } else if (tag.field === 2) value = readValue(entry, field, tag.type, depth);
    else entry.skip(tag.type);
  }
  if (key === '__proto__') throw malformed('the key "__proto__" is not allowed');
  map[key] = value ?? zeroOf(field);
}

function zeroOf(field: FieldPlan): Json {
  if (field.scalar === undefined)
    return field.special === undefined ? {} : field.special === 'stringList' ? [] : '0';
  return isNumeric(field.scalar) ? (field.scalar === 'bool' ? false : 0) : '';
}

/** Undefined for what JSON leaves out: a time that is zero, an extension without content. */
function readValue(reader: Reader, field: FieldPlan, type: number, depth: number): Json | undefined {
  if (field.scalar !== undefined) return readScalar(reader, field.scalar, type);
  expectType(type, bytesType);
  const part = reader.part();
  if (field.special === 'rawJson') return readRawJson(part);
  const message = readMessage(part, field.message!(), {}, depth + 1);
  return field.special === undefined ? message : specialValue(field.special, message);
}

function readScalar(reader: Reader, kind: ScalarKind, type: number): Json {
  switch (kind) {
    case 'string':
      expectType(type, bytesType);
      return reader.text();
    case 'bytes':
      expectType(type, bytesType);
      return encodeBase64(reader.part().rest());
    case 'double':
      expectType(type, fixed64Type);
      return reader.double();
    case 'bool':
      expectType(type, varintType);
      return Number(reader.varint()) !== 0;
    default:
      expectType(type, varintType);
      return reader.int(kind === 'int32' ? 32 : 64);
  }
}

function expectType(type: number, expected: number): void {
  if (type !== expected) throw malformed(`wrong wireType = ${type}`);
}
