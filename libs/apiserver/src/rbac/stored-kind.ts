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
  readonly #storage: Storage;
  readonly #prefix: string;
  readonly #marked = new Map<string, KeyValue | undefined>();
  /** Keys that the listener has been given. */
  readonly #known = new Set<string>();
  #watcher: Watcher;

  constructor(
    storage: Storage,
    readonly decoded: DecodedCache,
    group: string,
    resource: string,
    readonly listener: StoredKindListener,
  ) {
    this.#storage = storage;
    this.#prefix = prefixOf(group, resource);
    this.#watcher = this.#open();
  }

  #open(): Watcher {
    const start = this.#prefix;
    const end = prefixEnd(start);
    // A snapshot that replaces the store may leave a gap in the events: then all is read anew.
    const request = { start, end, onLost: () => void (this.#watcher = this.#open()) };
    // The watch first: nothing is applied between here and the read, and nothing can be missed.
    const watcher = this.#storage.watch(request, (events) => {
      for (const event of events) {
        this.#marked.set(event.keyValue.key, event.type === 'delete' ? undefined : event.keyValue);
      }
    });
    this.#marked.clear();
    for (const key of this.#known) this.#marked.set(key, undefined);
    for (const keyValue of this.#storage.range({ start, end }).keyValues) {
      this.#marked.set(keyValue.key, keyValue);
    }
    return watcher;
  }

  /** Brings the listener up to date; true when there was anything new. Costs nothing when there was not. */
  settle(): boolean {
    if (this.#marked.size === 0) return false;
    for (const [key, keyValue] of this.#marked) {
      if (keyValue === undefined) {
        this.#known.delete(key);
        this.listener.remove(key);
      } else {
        this.#known.add(key);
        this.listener.put(key, this.decoded.decode(keyValue));
      }
    }
    this.#marked.clear();
    return true;
  }

  close(): void {
    this.#watcher.close();
    this.#marked.clear();
  }
}
