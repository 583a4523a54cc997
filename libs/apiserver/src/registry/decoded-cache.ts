import type { KubernetesObject } from '#libs/apimachinery';
import type { KeyValue, Revision } from '#libs/consensus';
import { asBuffer } from './bytes.js';
import { equalButForStamp, type StoredForm } from './stamp.js';

/** A generation is full at so many objects, or so many bytes of their stored form; a decoded form takes several times that. */
const generationObjectsMax = 1024;
const generationBytesMax = 4 * 1024 * 1024;

/**
 * Stored objects in decoded form, those that were asked for lately: the store holds far more than anybody looks at, and
 * parsing again is cheap. Two generations: what is asked for moves to the young one, and when that is full the old one
 * goes. Objects are shared by all who ask: nobody may write to them.
 */
export class DecodedCache {
  #young = new Map<KeyValue, KubernetesObject>();
  #old = new Map<KeyValue, KubernetesObject>();
  #youngBytes = 0;
  /** Being written: what they will decode to, for the watchers that see them before the writer does. */
  readonly #expected = new Map<string, StoredForm>();

  decode(keyValue: KeyValue): KubernetesObject {
    let object = this.#young.get(keyValue);
    if (object !== undefined) return object;
    object =
      this.#old.get(keyValue) ??
      this.#asExpected(keyValue) ??
      (parseBytes(keyValue.value) as KubernetesObject);
    this.#keep(keyValue, object);
    return object;
  }

  #keep(keyValue: KeyValue, object: KubernetesObject): void {
    if (this.#young.size >= generationObjectsMax || this.#youngBytes >= generationBytesMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(keyValue, object);
    this.#youngBytes += keyValue.value.length;
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
