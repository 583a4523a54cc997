import { parseTime } from '../decode/time.js';
import { ApiError } from '../errors/api-error.js';
import { isJsonObject } from '../patch/json-value.js';
import type { Json, JsonObject } from '../types.js';
import { decodeBase64 } from './base64.js';
import type { FieldPlan, MessagePlan, ScalarKind, SpecialKind } from './plan.js';
import { BackwardWriter, bytesType, fixed64Type, varintType } from './wire.js';

/** Writes the fields of a message in front of what is written already. Fields that the plan does not know are left out. */
export function writeMessage(writer: BackwardWriter, object: JsonObject, plan: MessagePlan): void {
  for (let i = plan.fields.length - 1; i >= 0; i--) {
    const field = plan.fields[i]!;
    if (field.inline) {
      const end = writer.length;
      writeMessage(writer, object, field.message!());
      if (writer.length > end) writeHeader(writer, field.number, end);
      continue;
    }
    const value = Object.hasOwn(object, field.name) ? object[field.name] : undefined;
    if (value === undefined || value === null) continue;
    if (field.map) writeMap(writer, value, field);
    else if (field.repeated) {
      const items = Array.isArray(value) ? value : unfit(field, value, 'a list');
      for (let item = items.length - 1; item >= 0; item--)
        writeField(writer, items[item]!, field, field.number);
    } else writeField(writer, value, field, field.number);
  }
}

function writeHeader(writer: BackwardWriter, number: number, end: number): void {
  writer.varint(writer.length - end);
  writer.tag(number, bytesType);
}

/** Keys in order: equal objects have equal bytes. */
function writeMap(writer: BackwardWriter, value: Json, field: FieldPlan): void {
  const map = isJsonObject(value) ? value : unfit(field, value, 'an object');
  for (const key of Object.keys(map).sort().toReversed()) {
    const end = writer.length;
    const item = map[key];
    if (item !== undefined && item !== null) writeField(writer, item, field, 2);
    const keyEnd = writer.length;
    writer.text(key);
    writeHeader(writer, 1, keyEnd);
    writeHeader(writer, field.number, end);
  }
}

function writeField(writer: BackwardWriter, value: Json, field: FieldPlan, number: number): void {
  if (field.scalar !== undefined) {
    writeScalar(writer, value, field, field.scalar, number);
    return;
  }
  const end = writer.length;
  if (field.special !== undefined) writeSpecial(writer, value, field, field.special);
  else writeMessage(writer, isJsonObject(value) ? value : unfit(field, value, 'an object'), field.message!());
  writeHeader(writer, number, end);
}

function writeScalar(
  writer: BackwardWriter,
  value: Json,
  field: FieldPlan,
  kind: ScalarKind,
  number: number,
): void {
  const end = writer.length;
  switch (kind) {
    case 'string':
      writer.text(typeof value === 'string' ? value : unfit(field, value, 'a string'));
      writeHeader(writer, number, end);
      return;
    case 'bytes':
      writer.raw(decodeBase64(typeof value === 'string' ? value : unfit(field, value, 'base64 text')));
      writeHeader(writer, number, end);
      return;
    case 'bool':
      writer.varint((typeof value === 'boolean' ? value : unfit(field, value, 'a boolean')) ? 1 : 0);
      writer.tag(number, varintType);
      return;
    case 'double':
      writer.double(typeof value === 'number' ? value : unfit(field, value, 'a number'));
      writer.tag(number, fixed64Type);
      return;
    default:
      writer.int(typeof value === 'number' ? value : unfit(field, value, 'a number'));
      writer.tag(number, varintType);
  }
}

function writeSpecial(writer: BackwardWriter, value: Json, field: FieldPlan, kind: SpecialKind): void {
  switch (kind) {
    case 'quantity':
      writeText(writer, 1, typeof value === 'number' ? String(value) : text(field, value));
      return;
    case 'time':
    case 'microTime':
      writeTime(writer, text(field, value), field);
      return;
    case 'intOrString':
      if (typeof value === 'number') {
        writer.int(value);
        writer.tag(2, varintType);
      } else writeText(writer, 3, text(field, value));
      writer.varint(typeof value === 'number' ? 0 : 1);
      writer.tag(1, varintType);
      return;
    case 'rawJson':
      writeText(writer, 1, JSON.stringify(value));
      return;
    case 'stringList':
      for (const item of (Array.isArray(value) ? value : unfit(field, value, 'a list')).toReversed()) {
        writeText(writer, 1, text(field, item));
      }
      return;
    default:
      writeSchemaChoice(writer, value, field, kind);
  }
}

/** apiextensions' unions: a schema, or a boolean, a list of schemas, a list of names. */
function writeSchemaChoice(writer: BackwardWriter, value: Json, field: FieldPlan, kind: SpecialKind): void {
  const [first, second] = field.message!().fields;
  if (isJsonObject(value)) {
    const schemaField = kind === 'propsOrBool' ? second! : first!;
    writeField(writer, value, schemaField, schemaField.number);
    if (kind === 'propsOrBool') writeScalar(writer, true, first!, 'bool', first!.number);
  } else if (kind === 'propsOrBool') writeScalar(writer, value, first!, 'bool', first!.number);
  else {
    const items = Array.isArray(value) ? value : unfit(field, value, 'a list');
    for (let i = items.length - 1; i >= 0; i--) writeField(writer, items[i]!, second!, second!.number);
  }
}

function writeText(writer: BackwardWriter, number: number, value: string): void {
  const end = writer.length;
  writer.text(value);
  writeHeader(writer, number, end);
}

function writeTime(writer: BackwardWriter, value: string, field: FieldPlan): void {
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? '';
  const seconds = parseTime(fraction === '' ? value : value.replace(`.${fraction}`, ''));
  if (seconds === undefined) unfit(field, value, 'an RFC 3339 time');
  writer.int(Number(fraction.slice(0, 9).padEnd(9, '0')));
  writer.tag(2, varintType);
  writer.int(seconds!);
  writer.tag(1, varintType);
}

function text(field: FieldPlan, value: Json): string {
  return typeof value === 'string' ? value : unfit(field, value, 'a string');
}

function unfit(field: FieldPlan, value: Json, expected: string): never {
  throw new ApiError(
    500,
    'InternalError',
    `object cannot be written as protobuf: field ${field.name} is not ${expected} but ${typeof value}`,
  );
}
