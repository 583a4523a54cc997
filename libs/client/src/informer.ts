import type { KubernetesObject } from '#libs/apimachinery';
import { ApiError } from '#libs/apimachinery';
import { createBackoff, isExpired } from './backoff.js';
import { cachedForm } from './cached-form.js';
import type { ListResult, ResourceClient, ResourceRef } from './client.js';
import { sleep, systemClock, type Clock } from './clock.js';
import { toError } from './in-process-transport.js';
import { keyOf, Store, type IndexFunction, type Lister } from './store.js';

export interface InformerHandler<T> {
  readonly add?: (object: T) => void;
  /** Also called for each object whose resourceVersion differs after a relist. */
  readonly update?: (object: T, previous: T) => void;
  /** The last known state; after a relist that may be older than the object at its deletion. */
  readonly delete?: (object: T) => void;
}

export interface InformerOptions<T extends KubernetesObject> {
  readonly client: ResourceClient<T>;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly indexers?: Readonly<Record<string, IndexFunction<T>>>;
  /**
   * How the first state comes: `list` pages through a linearizable list; `stream` asks the watch to send it
   * (sendInitialEvents, KEP-3157). Default `list`.
   */
  readonly initial?: 'list' | 'stream';
  /** Objects a page of the list; default 500. */
  readonly pageSize?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Failures that the informer survives: a broken watch, a refused list, a handler that threw. */
  readonly onError?: (error: unknown) => void;
}

/**
 * A cache of one resource that follows the server: list, then watch from the list's revision; a broken watch resumes
 * where it stopped, an expired one (410) lists again and reports the difference. Handlers run synchronously, in the
 * order of the server's events, after the cache holds the event's object. There is no periodic resync. Cached objects
 * are read only: equal parts are shared between them. They carry no managedFields: an update that brings none keeps
 * those that are stored.
 */
export interface Informer<T extends KubernetesObject> {
  readonly ref: ResourceRef<T>;
  readonly lister: Lister<T>;
  /** True once the first state is in the cache and its handlers have run. */
  readonly hasSynced: boolean;
  /** Resolves when synced; rejects when `signal` aborts first. */
  synced(signal?: AbortSignal): Promise<void>;
  /** What is cached already is reported as added, before this returns. Returns the remover. */
  addHandler(handler: InformerHandler<T>): () => void;
  addIndex(name: string, values: IndexFunction<T>): void;
  /** Revision that the cache has reached. */
  readonly resourceVersion: string;
  /** Runs until `signal` aborts; resolves then. A second call returns the first one's promise. */
  start(signal: AbortSignal): Promise<void>;
}

const initialEventsEnd = 'k8s.io/initial-events-end';

export function createInformer<T extends KubernetesObject>(options: InformerOptions<T>): Informer<T> {
  return new CachingInformer(options);
}

class CachingInformer<T extends KubernetesObject> implements Informer<T> {
  readonly ref: ResourceRef<T>;
  readonly #options: InformerOptions<T>;
  readonly #store = new Store<T>();
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #waiters = new Set<() => void>();
  readonly #clock: Clock;
  readonly #random: () => number;
  #resourceVersion = '';
  #hasSynced = false;
  #running: Promise<void> | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.ref = options.client.ref;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    for (const [name, values] of Object.entries(options.indexers ?? {})) this.#store.addIndex(name, values);
  }

  get lister(): Lister<T> {
    return this.#store;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  addIndex(name: string, values: IndexFunction<T>): void {
    this.#store.addIndex(name, values);
  }

  addHandler(handler: InformerHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#store.values()) this.#guard(() => handler.add?.(object));
    return () => this.#handlers.delete(handler);
  }

  synced(signal?: AbortSignal): Promise<void> {
    if (this.#hasSynced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiters.delete(finish);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const finish = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      if (signal?.aborted === true) return abort();
      this.#waiters.add(finish);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  start(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#run(signal);
    return this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const backoff = createBackoff({ baseMs: 50, maxMs: 30_000, jitter: 0.5, random: this.#random });
    let fresh = true; // list (or stream) the whole state before watching on
    while (!signal.aborted) {
      const startedMs = this.#clock.now();
      try {
        if (fresh && this.#options.initial !== 'stream') {
          await this.#list(signal);
          fresh = false;
        }
        await this.#watch(fresh, signal);
        fresh = false;
        // A watch that ends as soon as it opens must not spin.
        if (this.#clock.now() - startedMs >= 1_000) {
          backoff.reset();
          continue;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isExpired(error)) {
          fresh = true;
        } else {
          if (!this.#hasSynced) fresh = true;
          this.#report(error);
        }
      }
      await sleep(this.#clock, backoff.next(), signal);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector, pageSize = 500 } = this.#options;
    const items = new Map<string, T>();
    let page: ListResult<T> | undefined;
    do {
      page = await client.list({
        ...selectors({ namespace, labelSelector, fieldSelector }),
        limit: pageSize,
        ...(page?.continue === undefined ? {} : { continue: page.continue }),
        signal,
      });
      for (const item of page.items) items.set(keyOf(item), cachedForm(item));
    } while (page.continue !== undefined);
    this.#replace(items, page.resourceVersion);
  }

  /** Watches until the server ends the watch; throws where it failed. */
  #watch(withInitialEvents: boolean, signal: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector } = this.#options;
    const initial: Map<string, T> | undefined = withInitialEvents ? new Map() : undefined;
    let collecting = initial;
    return new Promise((resolve, reject) => {
      let handle: { close(): void } | undefined;
      let failure: Error | undefined;
      let ended = false;
      const fail = (error: Error): void => {
        failure ??= error;
        handle?.close();
      };
      const opening = client.watch(
        {
          ...selectors({ namespace, labelSelector, fieldSelector }),
          ...(withInitialEvents
            ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' as const }
            : { resourceVersion: this.#resourceVersion }),
          allowWatchBookmarks: true,
          timeoutSeconds: 300 + Math.floor(this.#random() * 300),
          signal,
        },
        {
          onEvent: (type, object) => {
            if (failure !== undefined) return;
            if (type === 'ERROR') return fail(toError(500, object));
            const item = cachedForm(object as T);
            if (collecting === undefined) return this.#apply(type, item);
            if (type === 'BOOKMARK') {
              if (item.metadata.annotations?.[initialEventsEnd] !== 'true') return;
              this.#replace(collecting, item.metadata.resourceVersion ?? '');
              collecting = undefined;
            } else if (type === 'DELETED') collecting.delete(keyOf(item));
            else collecting.set(keyOf(item), item);
          },
          onEnd: (error) => {
            ended = true;
            const cause = failure ?? error;
            if (cause !== undefined) reject(cause);
            else if (collecting !== undefined && !signal.aborted)
              reject(new ApiError(504, 'Timeout', 'the watch ended before its initial events did'));
            else resolve();
          },
        },
      );
      opening.then(
        (opened) => {
          handle = opened;
          if (failure !== undefined && !ended) opened.close();
        },
        (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))),
      );
    });
  }

  #apply(type: string, object: T): void {
    const { resourceVersion } = object.metadata;
    if (resourceVersion !== undefined) this.#resourceVersion = resourceVersion;
    if (type === 'BOOKMARK') return;
    const key = keyOf(object);
    if (type === 'DELETED') {
      if (this.#store.delete(key) !== undefined) this.#notifyDelete(object);
      return;
    }
    this.#notifyPut(object, this.#store.put(key, object));
  }

  #replace(items: ReadonlyMap<string, T>, resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    for (const key of this.#store.keys()) {
      if (items.has(key)) continue;
      const gone = this.#store.delete(key);
      if (gone !== undefined) this.#notifyDelete(gone);
    }
    for (const [key, object] of items) {
      const previous = this.#store.getByKey(key);
      if (previous?.metadata.resourceVersion === object.metadata.resourceVersion && previous !== undefined)
        continue;
      this.#store.put(key, object);
      // Deleted and made again while nobody watched: two objects, not a change of one.
      if (previous !== undefined && previous.metadata.uid !== object.metadata.uid) {
        this.#notifyDelete(previous);
        this.#notifyPut(object, undefined);
      } else this.#notifyPut(object, previous);
    }
    this.#hasSynced = true;
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }

  #notifyPut(object: T, previous: T | undefined): void {
    for (const handler of this.#handlers) {
      this.#guard(() =>
        previous === undefined ? handler.add?.(object) : handler.update?.(object, previous),
      );
    }
  }

  #notifyDelete(object: T): void {
    for (const handler of this.#handlers) this.#guard(() => handler.delete?.(object));
  }

  /** One handler's fault must not keep an event from the others, nor end the watch. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    this.#options.onError?.(error);
  }
}

function selectors(given: {
  namespace: string | undefined;
  labelSelector: string | undefined;
  fieldSelector: string | undefined;
}): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
  return {
    ...(given.namespace === undefined ? {} : { namespace: given.namespace }),
    ...(given.labelSelector === undefined ? {} : { labelSelector: given.labelSelector }),
    ...(given.fieldSelector === undefined ? {} : { fieldSelector: given.fieldSelector }),
  };
}
