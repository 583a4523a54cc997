import { stampWidthBytes } from '#libs/mvcc';
import { StorageError } from '../storage.js';

/**
 * etcd stores bytes as they are and knows their revision only afterwards. So a value is stored behind four bytes that
 * say where its slot for the revision is (decision 0001), and every replica fills the slot when it takes the value in.
 */
const headerBytes = 4;
const noSlot = 0xffff_ffff;

export function encodeValue(value: Uint8Array, stampOffset: number | undefined): Buffer {
  if (stampOffset !== undefined && (stampOffset < 0 || stampOffset + stampWidthBytes > value.length))
    throw new StorageError('BadRequest', `there is no room for a revision at byte ${stampOffset}`);
  const stored = Buffer.allocUnsafe(headerBytes + value.length);
  stored.writeUInt32BE(stampOffset ?? noSlot);
  stored.set(value, headerBytes);
  return stored;
}

/** The value as a replica keeps it: a copy of its own, as the received bytes belong to a larger message. */
export function decodeValue(stored: Uint8Array, revision: number): Uint8Array {
  if (stored.length < headerBytes)
    throw new Error(`a value of ${stored.length} bytes was not written by this product`);
  const value = new Uint8Array(stored.length - headerBytes);
  value.set(stored.subarray(headerBytes));
  const offset = new DataView(stored.buffer, stored.byteOffset).getUint32(0);
  if (offset === noSlot) return value;
  if (offset + stampWidthBytes > value.length)
    throw new Error(`a value was not written by this product: its slot lies behind its end`);
  const text = `"${revision}"`;
  for (let i = 0; i < stampWidthBytes; i++) value[offset + i] = i < text.length ? text.charCodeAt(i) : 0x20;
  return value;
}
