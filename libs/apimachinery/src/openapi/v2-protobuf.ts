import { BackwardWriter, bytesType, varintType } from '../protobuf/wire.js';
import type { Json, JsonObject } from '../types.js';

/**
 * Swagger 2.0 in protobuf, `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`, as clients of Go take it.
 * Source of the numbers: gnostic's openapi_v2.proto. What the documents here never contain is left out.
 */
type Write = (writer: BackwardWriter, value: Json) => void;

interface Field {
  readonly number: number;
  readonly name: string;
  readonly write: Write;
  /** Each item of the list is a field of its own. */
  readonly repeated?: boolean;
}

function length(writer: BackwardWriter, number: number, write: () => void): void {
  const end = writer.length;
  write();
  writer.varint(writer.length - end);
  writer.tag(number, bytesType);
}

const text: Write = (writer, value) => writer.text(String(value));

/** Members that the table does not know and that begin with `x-` go to `vendorNumber` as YAML. */
function message(fields: () => readonly Field[], vendorNumber?: number): Write {
  return (writer, value) => {
    const object = value as JsonObject;
    if (vendorNumber !== undefined) writeVendor(writer, object, vendorNumber);
    for (const field of fields().toReversed()) {
      const member = object[field.name];
      if (member === undefined) continue;
      for (const item of field.repeated === true ? (member as Json[]).toReversed() : [member]) {
        if (typeof item === 'boolean') {
          writer.varint(item ? 1 : 0);
          writer.tag(field.number, varintType);
        } else length(writer, field.number, () => field.write(writer, item));
      }
    }
  };
}

function writeVendor(writer: BackwardWriter, object: JsonObject, number: number): void {
  for (const key of Object.keys(object).toReversed()) {
    const value = object[key];
    if (!key.startsWith('x-') || value === undefined) continue;
    length(writer, number, () => {
      length(writer, 2, () => any(writer, value));
      length(writer, 1, () => writer.text(key));
    });
  }
}

/** gnostic's Any holds YAML: a plain word where that is safe, and otherwise JSON, which is YAML too. */
const any: Write = (writer, value) =>
  length(writer, 2, () => {
    const isPlain =
      typeof value === 'string' &&
      /^[A-Za-z][\w.-]+$/.test(value) &&
      !/^(true|false|yes|no|on|off|null)$/i.test(value);
    writer.text(`${isPlain ? value : JSON.stringify(value)}\n`);
  });

/** A map as a list of names and values. */
function named(write: Write, number = 1): Write {
  return (writer, value) => {
    const object = value as JsonObject;
    for (const key of Object.keys(object).toReversed()) {
      length(writer, number, () => {
        length(writer, 2, () => write(writer, object[key] ?? null));
        length(writer, 1, () => writer.text(key));
      });
    }
  };
}

/** One alternative of a oneof, or the only field of a message. */
function wrapped(number: number, write: Write): Write {
  return (writer, value) => length(writer, number, () => write(writer, value));
}

const schema: Write = message(() => schemaFields, 31);
const schemaFields: readonly Field[] = [
  { number: 1, name: '$ref', write: text },
  { number: 2, name: 'format', write: text },
  { number: 4, name: 'description', write: text },
  { number: 5, name: 'default', write: any },
  { number: 19, name: 'required', write: text, repeated: true },
  { number: 20, name: 'enum', write: any, repeated: true },
  { number: 21, name: 'additionalProperties', write: wrapped(1, schema) },
  { number: 22, name: 'type', write: wrapped(1, text) },
  { number: 23, name: 'items', write: wrapped(1, schema) },
  { number: 25, name: 'properties', write: named(schema) },
];

const bodyParameter = message(() => [
  { number: 1, name: 'description', write: text },
  { number: 2, name: 'name', write: text },
  { number: 3, name: 'in', write: text },
  { number: 4, name: 'required', write: text },
  { number: 5, name: 'schema', write: schema },
]);

const plainParameter = (uniqueItems: number): Write =>
  message(() => [
    { number: 1, name: 'required', write: text },
    { number: 2, name: 'in', write: text },
    { number: 3, name: 'description', write: text },
    { number: 4, name: 'name', write: text },
    { number: uniqueItems === 19 ? 6 : 5, name: 'type', write: text },
    { number: uniqueItems, name: 'uniqueItems', write: text },
  ]);
const queryParameter = plainParameter(19);
const pathParameter = plainParameter(18);

const parameter: Write = (writer, value) => {
  const place = (value as JsonObject)['in'];
  if ((value as JsonObject)['$ref'] !== undefined) {
    length(writer, 2, () => length(writer, 1, () => text(writer, (value as JsonObject)['$ref'] ?? '')));
  } else if (place === 'body') length(writer, 1, () => wrapped(1, bodyParameter)(writer, value));
  else if (place === 'path') length(writer, 1, () => wrapped(2, wrapped(4, pathParameter))(writer, value));
  else length(writer, 1, () => wrapped(2, wrapped(3, queryParameter))(writer, value));
};

const response = message(() => [
  { number: 1, name: 'description', write: text },
  { number: 2, name: 'schema', write: wrapped(1, schema) },
]);

const operation = message(
  () => [
    { number: 1, name: 'tags', write: text, repeated: true },
    { number: 3, name: 'description', write: text },
    { number: 5, name: 'operationId', write: text },
    { number: 6, name: 'produces', write: text, repeated: true },
    { number: 7, name: 'consumes', write: text, repeated: true },
    { number: 8, name: 'parameters', write: parameter, repeated: true },
    { number: 9, name: 'responses', write: named(wrapped(1, response)) },
    { number: 10, name: 'schemes', write: text, repeated: true },
  ],
  13,
);

const pathItem = message(() => [
  { number: 2, name: 'get', write: operation },
  { number: 3, name: 'put', write: operation },
  { number: 4, name: 'post', write: operation },
  { number: 5, name: 'delete', write: operation },
  { number: 6, name: 'options', write: operation },
  { number: 7, name: 'head', write: operation },
  { number: 8, name: 'patch', write: operation },
  { number: 9, name: 'parameters', write: parameter, repeated: true },
]);

const documentMessage = message(() => [
  { number: 1, name: 'swagger', write: text },
  {
    number: 2,
    name: 'info',
    write: message(() => [
      { number: 1, name: 'title', write: text },
      { number: 2, name: 'version', write: text },
    ]),
  },
  { number: 8, name: 'paths', write: named(pathItem, 2) },
  { number: 9, name: 'definitions', write: named(schema) },
]);

/** The bytes of a document made by `openApiDocuments(scheme).v2()`. */
export function encodeOpenApiV2(document: object): Uint8Array {
  const writer = new BackwardWriter(1024 * 1024);
  documentMessage(writer, document as JsonObject);
  return writer.finish();
}
