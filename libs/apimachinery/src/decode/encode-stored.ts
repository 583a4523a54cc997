import { createdSetText } from '../apply/created-sets.js';
import type { KubernetesObject, ManagedFieldsEntry, ObjectMeta } from '../types.js';

const encoder = new TextEncoder();

/** Width of the resourceVersion slot; the same as mvcc's `stampWidthBytes`. */
export const resourceVersionSlotBytes = 18;

const slot = ' '.repeat(resourceVersionSlotBytes);

export interface StoredBytes {
  readonly bytes: Uint8Array;
  /** Where the 18 spaces begin that the store overwrites with the revision as a JSON string. */
  readonly stampOffset: number;
}

/**
 * Encodes an object as it is stored: apiVersion, kind and metadata first, and in metadata, first, `"resourceVersion":`
 * followed by a slot of 18 spaces. Until the slot is stamped the bytes are no valid JSON. The object is only read.
 */
export function encodeStored(object: KubernetesObject): StoredBytes {
  const { apiVersion, kind, metadata, ...rest } = object;
  const head = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":{"resourceVersion":`;
  const meta = metadataText(metadata);
  const tail = JSON.stringify(rest);
  const text = `${head}${slot}${continued(meta)}${continued(tail)}`;
  return { bytes: encoder.encode(text), stampOffset: byteLength(head) };
}

/** Metadata without resourceVersion. The fields of a creator are mostly those of its last object: their text is at hand. */
function metadataText(metadata: ObjectMeta): string {
  const { managedFields } = metadata;
  const entry = managedFields?.length === 1 ? managedFields[0] : undefined;
  const fields = entry?.fieldsV1 === undefined ? undefined : createdSetText(entry.fieldsV1);
  if (entry === undefined || fields === undefined)
    return JSON.stringify(
      metadata.resourceVersion === undefined ? metadata : { ...metadata, resourceVersion: undefined },
    );
  const others = JSON.stringify({ ...metadata, resourceVersion: undefined, managedFields: undefined });
  return extended(others, `"managedFields":[${entryText(entry, fields)}]`);
}

function entryText(entry: ManagedFieldsEntry, fields: string): string {
  return extended(JSON.stringify({ ...entry, fieldsV1: undefined }), `"fieldsV1":${fields}`);
}

/** `{"a":1}` and `"b":2` → `{"a":1,"b":2}`. */
function extended(json: string, member: string): string {
  return `${json.slice(0, -1)}${json === '{}' ? '' : ','}${member}}`;
}

/** `{"a":1}` → `,"a":1}`, and `{}` → `}`: what follows an object's first member. */
function continued(json: string): string {
  return json === '{}' ? '}' : `,${json.slice(1)}`;
}

function byteLength(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : encoder.encode(text).length;
}
