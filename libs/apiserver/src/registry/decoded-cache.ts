import type { KubernetesObject } from '#libs/apimachinery';
import type { KeyValue, Revision } from '#libs/consensus';
import { asBuffer } from './bytes.js';
import { equalButForStamp, type StoredForm } from './stamp.js';

/**
 * Stored objects in decoded form, parsed at most once a version and dropped with it. Objects are shared by all who ask:
 * nobody may write to them.
 */
export class DecodedCache {
  readonly #objects = new WeakMap<KeyValue, KubernetesObject>();
  /** Being written: what they will decode to, for the watchers that see them before the writer does. */
  readonly #expected = new Map<string, StoredForm>();

  decode(keyValue: KeyValue): KubernetesObject {
    let object = this.#objects.get(keyValue);
    if (object === undefined) {
      object = this.#asExpected(keyValue) ?? (parseBytes(keyValue.value) as KubernetesObject);
      this.#objects.set(keyValue, object);
    }
    return object;
  }

  /**
   * Says what is about to be written under a key, so that it is never parsed again; the object is given away. Returns what
   * ends the expectation.
   */
  expect(key: string, stored: StoredForm): () => void {
    this.#expected.set(key, stored);
    return () => {
      if (this.#expected.get(key) === stored) this.#expected.delete(key);
    };
  }

  #asExpected({ key, value, modRevision }: KeyValue): KubernetesObject | undefined {
    const stored = this.#expected.get(key);
    if (stored === undefined || !equalButForStamp(value, stored.bytes, stored.stampOffset)) return undefined;
    return withResourceVersion(stored.object, modRevision);
  }
}

function parseBytes(bytes: Uint8Array): unknown {
  return JSON.parse(asBuffer(bytes).toString('utf8'));
}

/** A shallow copy with another resourceVersion: what a watch sends when an object is deleted or leaves a selector. */
export function withResourceVersion(object: KubernetesObject, revision: Revision): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
