import { resourceVersionSlotBytes, type KubernetesObject, type StoredBytes } from '#libs/apimachinery';
import { asBuffer } from './bytes.js';

/** An object in its storage version, decoded and as bytes. */
export interface StoredForm extends StoredBytes {
  readonly object: KubernetesObject;
}

/** Stored bytes begin `{"apiVersion":…,"kind":…,"metadata":{"resourceVersion":` and the 18-byte slot. */
const marker = Buffer.from('"metadata":{"resourceVersion":');
const headBytesMax = 1024;

export function slotOffset(bytes: Uint8Array): number {
  const at = asBuffer(bytes.subarray(0, headBytesMax)).indexOf(marker);
  if (at < 0) throw new Error('stored bytes have no resourceVersion slot');
  return at + marker.length;
}

/** Writes a revision into a slot as a JSON string, padded with spaces; the bytes must be the caller's own. */
export function writeStamp(bytes: Uint8Array, offset: number, revision: number): void {
  asBuffer(bytes).write(`"${revision}"`.padEnd(resourceVersionSlotBytes, ' '), offset, 'latin1');
}

/** A copy of stored bytes that carries another revision. */
export function restamped(bytes: Uint8Array, revision: number): Uint8Array {
  const copy = Buffer.from(bytes);
  writeStamp(copy, slotOffset(copy), revision);
  return copy;
}

/** True where both differ in nothing but the revision in the slot. `stored` has one, `unstamped` has an empty slot. */
export function equalButForStamp(stored: Uint8Array, unstamped: Uint8Array, offset: number): boolean {
  if (stored.length !== unstamped.length) return false;
  const a = asBuffer(stored);
  const b = asBuffer(unstamped);
  const after = offset + resourceVersionSlotBytes;
  return a.compare(b, 0, offset, 0, offset) === 0 && a.compare(b, after, b.length, after, a.length) === 0;
}
