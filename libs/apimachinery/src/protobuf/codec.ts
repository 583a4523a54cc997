import { ApiError } from '../errors/api-error.js';
import { definitionOfKind } from '../structure/schema.js';
import type { GroupVersionKind, JsonObject } from '../types.js';
import { readMessage } from './decode.js';
import { writeMessage } from './encode.js';
import { planOfDefinition, planOfMessage, type MessagePlan } from './plan.js';
import { BackwardWriter, bytesType, malformed, Reader } from './wire.js';

/** `k8s\0`, then runtime.Unknown: what `application/vnd.kubernetes.protobuf` is. */
const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0);

/** Kinds that every group serves and that have no definition in OpenAPI. */
const metaMessage = 'k8s.io.apimachinery.pkg.apis.meta.v1.';
const metaKinds = new Set(['PartialObjectMetadata', 'PartialObjectMetadataList']);

function planOfKind({ group, version, kind }: GroupVersionKind): MessagePlan | undefined {
  const definition = definitionOfKind(group, version, kind);
  if (definition !== undefined) return planOfDefinition(definition);
  return group === 'meta.k8s.io' && metaKinds.has(kind) ? planOfMessage(metaMessage + kind) : undefined;
}

/** Whether a kind has a protobuf form: built-in kinds have, custom resources have not. */
export function hasProtobuf(gvk: GroupVersionKind): boolean {
  return planOfKind(gvk) !== undefined;
}

/**
 * An object in its envelope. `object` names its kind by apiVersion and kind unless `gvk` is given.
 * Throws ApiError 406 for kinds without a protobuf form, 500 where the object is not of its kind.
 */
export function encodeProtobuf(object: object, gvk?: GroupVersionKind): Uint8Array {
  const kind = gvk ?? kindOf(object as JsonObject);
  const writer = new BackwardWriter();
  // contentType and contentEncoding: always written by Go, always empty.
  writeEmptyTail(writer);
  const end = writer.length;
  writeMessage(writer, object as JsonObject, requirePlan(kind));
  return closeEnvelope(writer, end, kind);
}

/** The message alone, as an item of a list holds it; it may be kept and used for many lists. */
export function encodeProtobufMessage(object: object, gvk?: GroupVersionKind): Uint8Array {
  const writer = new BackwardWriter();
  writeMessage(writer, object as JsonObject, requirePlan(gvk ?? kindOf(object as JsonObject)));
  return writer.finish();
}

/** A list from its metadata and items that are encoded already by `encodeProtobufMessage`. */
export function encodeProtobufList(
  list: { readonly apiVersion: string; readonly kind: string; readonly metadata: object },
  items: readonly Uint8Array[],
): Uint8Array {
  const size = items.reduce((sum, item) => sum + item.length + 8, 256);
  const writer = new BackwardWriter(size);
  writeEmptyTail(writer);
  const end = writer.length;
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i]!;
    writer.raw(item);
    writer.varint(item.length);
    writer.tag(2, bytesType);
  }
  const metadataEnd = writer.length;
  writeMessage(writer, list.metadata as JsonObject, planOfMessage(`${metaMessage}ListMeta`)!);
  writer.varint(writer.length - metadataEnd);
  writer.tag(1, bytesType);
  return closeEnvelope(writer, end, kindOf(list as unknown as JsonObject));
}

/** A watch event: its length in four bytes, then the message. `object` is an object in its envelope. */
export function encodeWatchFrame(type: string, object: Uint8Array): Uint8Array {
  const writer = new BackwardWriter(object.length + 64);
  writer.raw(object);
  writer.varint(object.length);
  writer.tag(1, bytesType);
  writer.varint(writer.length);
  writer.tag(2, bytesType);
  writeText(writer, 1, type);
  const { length } = writer;
  writer.raw(Uint8Array.of(length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255));
  return writer.finish();
}

/**
 * Reads an object in its envelope. `defaults` stands in where the envelope names no kind. Zero values that Go would leave
 * out of JSON are left out. Throws ApiError 400 that names the field at fault; work and depth are bounded by the input.
 */
export function decodeProtobuf(
  bytes: Uint8Array,
  defaults?: GroupVersionKind,
): { object: JsonObject; kind: GroupVersionKind } {
  if (bytes.length < magic.length || magic.some((byte, index) => bytes[index] !== byte)) {
    throw malformed('it does not begin with the prefix "k8s\\x00"');
  }
  let raw: Reader | undefined;
  let apiVersion = '';
  let name = '';
  let encoding = '';
  const reader = new Reader(bytes, magic.length);
  while (!reader.done) {
    const { field, type } = reader.tag();
    if (type !== bytesType) reader.skip(type);
    else if (field === 1) [apiVersion, name] = readTypeMeta(reader.part());
    else if (field === 2) raw = reader.part();
    else if (field === 3) encoding = reader.text();
    else reader.skip(type);
  }
  if (encoding !== '') throw malformed(`content encoding ${JSON.stringify(encoding)} is not supported`);
  const kind = name === '' && defaults !== undefined ? defaults : parseKind(apiVersion, name);
  const plan = planOfKind(kind);
  if (plan === undefined) {
    throw new ApiError(
      400,
      'BadRequest',
      `no kind "${kind.kind}" is registered for version "${versionOf(kind)}"`,
    );
  }
  const object: JsonObject = { apiVersion: versionOf(kind), kind: kind.kind };
  return { object: raw === undefined ? object : readMessage(raw, plan, object), kind };
}

function readTypeMeta(reader: Reader): [apiVersion: string, kind: string] {
  const values: [string, string] = ['', ''];
  while (!reader.done) {
    const { field, type } = reader.tag();
    if (type === bytesType && (field === 1 || field === 2)) values[field - 1] = reader.text();
    else reader.skip(type);
  }
  return values;
}

function writeEmptyTail(writer: BackwardWriter): void {
  writeText(writer, 4, '');
  writeText(writer, 3, '');
}

function closeEnvelope(writer: BackwardWriter, end: number, kind: GroupVersionKind): Uint8Array {
  writer.varint(writer.length - end);
  writer.tag(2, bytesType);
  const typeEnd = writer.length;
  writeText(writer, 2, kind.kind);
  writeText(writer, 1, versionOf(kind));
  writer.varint(writer.length - typeEnd);
  writer.tag(1, bytesType);
  writer.raw(magic);
  return writer.finish();
}

function writeText(writer: BackwardWriter, field: number, value: string): void {
  const end = writer.length;
  writer.text(value);
  writer.varint(writer.length - end);
  writer.tag(field, bytesType);
}

function requirePlan(kind: GroupVersionKind): MessagePlan {
  const plan = planOfKind(kind);
  if (plan !== undefined) return plan;
  throw new ApiError(406, 'NotAcceptable', `${kind.kind} of ${versionOf(kind)} has no protobuf form`);
}

function kindOf(object: JsonObject): GroupVersionKind {
  const { apiVersion, kind } = object;
  return parseKind(typeof apiVersion === 'string' ? apiVersion : '', typeof kind === 'string' ? kind : '');
}

function parseKind(apiVersion: string, kind: string): GroupVersionKind {
  const slash = apiVersion.indexOf('/');
  return { group: apiVersion.slice(0, Math.max(0, slash)), version: apiVersion.slice(slash + 1), kind };
}

function versionOf({ group, version }: GroupVersionKind): string {
  return group === '' ? version : `${group}/${version}`;
}
