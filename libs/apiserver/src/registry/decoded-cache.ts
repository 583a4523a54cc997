import type { KubernetesObject } from '#libs/apimachinery';
import type { KeyValue, Revision } from '#libs/consensus';
import { asBuffer } from './bytes.js';
import { equalButForStamp, type StoredForm } from './stamp.js';

/** Decoded forms of old versions that are kept a while, for the watch events that compare with them. */
const supersededMax = 2048;

/**
 * Stored objects in decoded form, parsed at most once a version. The store keeps old versions until it is compacted; their
 * decoded forms, several times as large, go soon after they are superseded. Objects are shared by all who ask: nobody may
 * write to them.
 */
export class DecodedCache {
  readonly #objects = new WeakMap<KeyValue, KubernetesObject>();
  /** Being written: what they will decode to, for the watchers that see them before the writer does. */
  readonly #expected = new Map<string, StoredForm>();
  /** A ring of superseded versions, the next to drop at `#nextOld`. */
  readonly #old: KeyValue[] = [];
  #nextOld = 0;

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

  /** A newer version has been written, or the key deleted. */
  superseded(keyValue: KeyValue | undefined): void {
    if (keyValue === undefined || !this.#objects.has(keyValue)) return;
    const oldest = this.#old[this.#nextOld];
    if (oldest !== undefined && oldest !== keyValue) this.#objects.delete(oldest);
    this.#old[this.#nextOld] = keyValue;
    this.#nextOld = (this.#nextOld + 1) % supersededMax;
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
