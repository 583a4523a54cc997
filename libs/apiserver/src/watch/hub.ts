import type { KeyStorage, KeyValue, Revision, StorageError, StoreEvent, Watcher } from '#libs/consensus';
import type { DecodedCache } from '../registry/decoded-cache.js';
import { prefixEnd } from '../registry/keys.js';

/** One change of one object, with the frames made of it so far: each is encoded once and shared by all watchers. */
export interface HubEvent {
  readonly deleted: boolean;
  readonly revision: Revision;
  readonly key: string;
  /** Undefined where the object was deleted. */
  readonly current: KeyValue | undefined;
  readonly previous: KeyValue | undefined;
  /** By form and event type. */
  readonly frames: Map<string, Uint8Array>;
}

export interface HubSubscriber {
  /** Only keys with this prefix are of interest; the resource's own prefix for all. */
  readonly prefix: string;
  /** Set where only objects with this `spec.nodeName` are of interest. */
  readonly nodeName: string | undefined;
  /** Called in order, right after the events were applied. Events outside the prefix may be among them. */
  deliver(events: readonly HubEvent[], revision: Revision): void;
  /** What comes next is gone: this replica took a snapshot that skips it. */
  lost(error: StorageError): void;
}

const ringEventsMax = 4096;
/** Of the objects in the ring; their frames add about as much for each form that is watched. */
const ringBytesMax = 32 * 1024 * 1024;

/**
 * Feeds all watchers of one resource from one watch of the store, with a ring of recent events for those that resume
 * or lag. What is older is read from the store's own history.
 */
export class ResourceHub {
  #watcher: Watcher;
  #ring: HubEvent[] = [];
  #ringBytes = 0;
  /** Every event after this revision is in the ring. */
  #ringFrom: Revision;
  #revision: Revision;
  readonly #everyone = new Set<HubSubscriber>();
  readonly #byNode = new Map<string, Set<HubSubscriber>>();

  constructor(
    readonly prefix: string,
    readonly storage: KeyStorage,
    readonly decoded: DecodedCache,
  ) {
    this.#ringFrom = storage.revision;
    this.#revision = storage.revision;
    this.#watcher = this.#open();
  }

  #open(): Watcher {
    const request = {
      start: this.prefix,
      end: prefixEnd(this.prefix),
      onLost: (error: StorageError) => this.#lost(error),
    };
    return this.storage.watch(request, (events, revision) => this.#applied(events, revision));
  }

  /** Begins anew behind the gap; whoever was watching must list again. */
  #lost(error: StorageError): void {
    this.#ring = [];
    this.#ringBytes = 0;
    this.#ringFrom = this.storage.revision;
    this.#revision = this.storage.revision;
    this.#watcher = this.#open();
    const everyone = [...this.#everyone, ...[...this.#byNode.values()].flatMap((group) => [...group])];
    for (const subscriber of everyone) subscriber.lost(error);
  }

  /** Everything up to this revision has been delivered. */
  get revision(): Revision {
    return this.#revision;
  }

  get subscriberCount(): number {
    let count = this.#everyone.size;
    for (const subscribers of this.#byNode.values()) count += subscribers.size;
    return count;
  }

  subscribe(subscriber: HubSubscriber): () => void {
    const { nodeName } = subscriber;
    if (nodeName === undefined) {
      this.#everyone.add(subscriber);
      return () => this.#everyone.delete(subscriber);
    }
    const subscribers = this.#byNode.get(nodeName) ?? new Set();
    this.#byNode.set(nodeName, subscribers.add(subscriber));
    return () => {
      subscribers.delete(subscriber);
      if (subscribers.size === 0 && this.#byNode.get(nodeName) === subscribers) this.#byNode.delete(nodeName);
    };
  }

  /** Events after `revision`, oldest first; undefined when the ring does not reach back that far. */
  recentSince(revision: Revision): readonly HubEvent[] | undefined {
    if (revision < this.#ringFrom) return undefined;
    let low = 0;
    let high = this.#ring.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ring[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#ring.slice(low);
  }

  /**
   * Events after `revision` from the store's history, up to at least the store's revision at the call. Rejects with
   * StorageError Compacted when they are gone.
   */
  async history(revision: Revision): Promise<{ events: readonly HubEvent[]; revision: Revision }> {
    let reached = this.storage.revision;
    if (revision >= reached) return { events: [], revision };
    const events: HubEvent[] = [];
    const request = {
      start: this.prefix,
      end: prefixEnd(this.prefix),
      fromRevision: (revision + 1) as Revision,
    };
    const watcher = this.storage.watch(request, (storeEvents, at) => {
      for (const event of storeEvents) events.push(hubEvent(event));
      if (at > reached) reached = at;
    });
    // The store hands over what was applied before within this turn of the loop, and nothing when there was nothing.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    watcher.close();
    return { events, revision: reached };
  }

  close(): void {
    this.#watcher.close();
    this.#everyone.clear();
    this.#byNode.clear();
    this.#ring = [];
  }

  #applied(storeEvents: readonly StoreEvent[], revision: Revision): void {
    this.#revision = revision;
    if (storeEvents.length === 0) return;
    const events = storeEvents.map(hubEvent);
    for (const event of events) {
      this.#ring.push(event);
      this.#ringBytes += sizeOf(event);
    }
    // Trimmed by halves, so that a push does not pay for a shift of the whole ring.
    if (this.#ring.length > ringEventsMax || this.#ringBytes > ringBytesMax) this.#trim();
    for (const subscriber of this.#everyone) subscriber.deliver(events, revision);
    if (this.#byNode.size > 0) this.#deliverByNode(events, revision);
  }

  #trim(): void {
    let cut = 0;
    let last = this.#ringFrom;
    for (const event of this.#ring) {
      const small = this.#ring.length - cut <= ringEventsMax / 2 && this.#ringBytes <= ringBytesMax / 2;
      // Events of one revision stay or go together.
      if (small && event.revision !== last) break;
      last = event.revision;
      this.#ringBytes -= sizeOf(event);
      cut += 1;
    }
    this.#ring = this.#ring.slice(cut);
    this.#ringFrom = last;
  }

  #deliverByNode(events: readonly HubEvent[], revision: Revision): void {
    const batches = new Map<string, HubEvent[]>();
    for (const event of events) {
      const current = this.#nodeNameOf(event.current);
      const previous = this.#nodeNameOf(event.previous);
      if (current !== '') addTo(batches, current, event);
      if (previous !== '' && previous !== current) addTo(batches, previous, event);
    }
    for (const [nodeName, batch] of batches) {
      for (const subscriber of this.#byNode.get(nodeName) ?? []) subscriber.deliver(batch, revision);
    }
  }

  #nodeNameOf(keyValue: KeyValue | undefined): string {
    if (keyValue === undefined) return '';
    const spec = this.decoded.decode(keyValue)['spec'] as { nodeName?: string } | undefined;
    return spec?.nodeName ?? '';
  }
}

function sizeOf({ current }: HubEvent): number {
  return current === undefined ? 0 : current.value.length;
}

function addTo(batches: Map<string, HubEvent[]>, nodeName: string, event: HubEvent): void {
  const batch = batches.get(nodeName);
  if (batch === undefined) batches.set(nodeName, [event]);
  else batch.push(event);
}

function hubEvent(event: StoreEvent): HubEvent {
  const deleted = event.type === 'delete';
  return {
    deleted,
    revision: event.keyValue.modRevision,
    key: event.keyValue.key,
    current: deleted ? undefined : event.keyValue,
    previous: event.previous,
    frames: new Map(),
  };
}

/** The hubs of all resources, each opened when its first watcher comes. */
export class WatchHubs {
  readonly #hubs = new Map<string, ResourceHub>();

  constructor(
    readonly storage: KeyStorage,
    readonly decoded: DecodedCache,
  ) {}

  of(prefix: string): ResourceHub {
    let hub = this.#hubs.get(prefix);
    if (hub === undefined) {
      hub = new ResourceHub(prefix, this.storage, this.decoded);
      this.#hubs.set(prefix, hub);
    }
    return hub;
  }

  /** Drops the hub of a resource that is no longer served. */
  forget(prefix: string): void {
    this.#hubs.get(prefix)?.close();
    this.#hubs.delete(prefix);
  }

  /** Watchers by resource prefix. */
  counts(): ReadonlyMap<string, number> {
    return new Map([...this.#hubs].map(([prefix, hub]) => [prefix, hub.subscriberCount]));
  }

  close(): void {
    for (const hub of this.#hubs.values()) hub.close();
    this.#hubs.clear();
  }
}
