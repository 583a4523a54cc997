import type { KubernetesObject } from '#libs/apimachinery';
import type { KeyValue, Storage, Watcher } from '#libs/consensus';
import type { DecodedCache } from '../registry/decoded-cache.js';
import { prefixEnd, prefixOf } from '../registry/keys.js';

export interface StoredKindListener {
  put(key: string, object: KubernetesObject): void;
  remove(key: string): void;
}

/**
 * Feeds an index with the stored objects of one resource. A change only marks its key; the object is decoded when
 * somebody asks (`settle`), so that writes never pay for an index that nobody reads. Reads are of this replica.
 */
export class StoredKind {
  readonly #marked = new Map<string, KeyValue | undefined>();
  readonly #watcher: Watcher;

  constructor(
    storage: Storage,
    readonly decoded: DecodedCache,
    group: string,
    resource: string,
    readonly listener: StoredKindListener,
  ) {
    const start = prefixOf(group, resource);
    const end = prefixEnd(start);
    // The watch first: nothing is applied between the two lines, and nothing can be missed.
    this.#watcher = storage.watch({ start, end }, (events) => {
      for (const event of events) {
        this.#marked.set(event.keyValue.key, event.type === 'delete' ? undefined : event.keyValue);
      }
    });
    for (const keyValue of storage.range({ start, end }).keyValues) this.#marked.set(keyValue.key, keyValue);
  }

  /** Brings the listener up to date; true when there was anything new. Costs nothing when there was not. */
  settle(): boolean {
    if (this.#marked.size === 0) return false;
    for (const [key, keyValue] of this.#marked) {
      if (keyValue === undefined) this.listener.remove(key);
      else this.listener.put(key, this.decoded.decode(keyValue));
    }
    this.#marked.clear();
    return true;
  }

  close(): void {
    this.#watcher.close();
    this.#marked.clear();
  }
}
