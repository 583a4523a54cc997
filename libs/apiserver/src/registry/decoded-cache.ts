import type { KubernetesObject } from '#libs/apimachinery';
import type { KeyValue, Revision } from '#libs/consensus';

/**
 * Stored objects in decoded form, parsed at most once a version and dropped with it. Objects are shared by all who ask:
 * nobody may write to them.
 */
export class DecodedCache {
  readonly #objects = new WeakMap<KeyValue, KubernetesObject>();

  decode(keyValue: KeyValue): KubernetesObject {
    let object = this.#objects.get(keyValue);
    if (object === undefined) {
      object = parseBytes(keyValue.value) as KubernetesObject;
      this.#objects.set(keyValue, object);
    }
    return object;
  }

  /** Remembers what was just written, so that it is never parsed again. The caller gives the object away. */
  remember(keyValue: KeyValue, object: KubernetesObject): void {
    this.#objects.set(keyValue, object);
  }
}

function parseBytes(bytes: Uint8Array): unknown {
  return JSON.parse(asBuffer(bytes).toString('utf8'));
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A shallow copy with another resourceVersion: what a watch sends when an object is deleted or leaves a selector. */
export function withResourceVersion(object: KubernetesObject, revision: Revision): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
