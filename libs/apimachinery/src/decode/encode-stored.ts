import type { KubernetesObject } from '../types.js';

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
  const meta = JSON.stringify(
    metadata.resourceVersion === undefined ? metadata : { ...metadata, resourceVersion: undefined },
  );
  const tail = JSON.stringify(rest);
  const text = `${head}${slot}${continued(meta)}${continued(tail)}`;
  return { bytes: encoder.encode(text), stampOffset: byteLength(head) };
}

/** `{"a":1}` → `,"a":1}`, and `{}` → `}`: what follows an object's first member. */
function continued(json: string): string {
  return json === '{}' ? '}' : `,${json.slice(1)}`;
}

function byteLength(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : encoder.encode(text).length;
}
