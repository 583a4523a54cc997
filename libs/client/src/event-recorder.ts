import type { KubernetesObject } from '#libs/apimachinery';
import { isNotFound } from './backoff.js';
import type { Client } from './client.js';
import { formatTime, systemClock, type Clock } from './clock.js';
import type { CoreEvent, ObjectReference } from './kinds/core.js';
import { resources } from './kinds/resources.js';
import { createTokenBucket, type TokenBucket } from './rate-limiter.js';

export interface EventRecorderOptions {
  readonly client: Client;
  /** Who reports, e.g. `deployment-controller`. */
  readonly component: string;
  readonly host?: string;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Called for events that were not written: the server refused, or the queue was full. Nothing is retried. */
  readonly onDrop?: (error: unknown) => void;
}

/**
 * Writes core/v1 Events about objects, in the background, never failing its caller. Like events are counted on one
 * Event; many that differ only in their message become one; an object that causes too many is cut (client-go's
 * EventCorrelator: 25 at once, then one in five minutes, for an object).
 */
export interface EventRecorder {
  event(
    object: KubernetesObject | ObjectReference,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void;
  /** Resolves when all that was recorded so far has been written or dropped. */
  flush(): Promise<void>;
}

interface Pending {
  readonly reference: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

interface Recorded {
  readonly name: string;
  count: number;
}

/** As client-go says it. */
const combined = '(combined from similar events)';
const limits = {
  /** Events that wait to be written. */
  queue: 1_000,
  /** Objects and messages remembered for counting. */
  remembered: 4_096,
  /** Different messages of one reason about one object before they are combined. */
  similar: 10,
  similarWindowMs: 600_000,
  burst: 25,
  qps: 1 / 300,
  messageLength: 1_024,
} as const;

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new CorrelatingRecorder(options);
}

/** The reference that events and owner lists use for an object. */
export function referenceTo(object: KubernetesObject): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

class CorrelatingRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #queue: Pending[] = [];
  readonly #recorded = new Map<string, Recorded>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #similar = new Map<string, { messages: Set<string>; sinceMs: number }>();
  #writing: Promise<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  event(
    object: KubernetesObject | ObjectReference,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const reference =
      'metadata' in object ? referenceTo(object as KubernetesObject) : (object as ObjectReference);
    if (this.#queue.length >= limits.queue) {
      this.#options.onDrop?.(
        new Error(`event queue is full: ${reason} of ${reference.kind} ${reference.name}`),
      );
      return;
    }
    this.#queue.push({ reference, type, reason, message: message.slice(0, limits.messageLength) });
    this.#writing ??= this.#drain();
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #drain(): Promise<void> {
    for (let pending = this.#queue.shift(); pending !== undefined; pending = this.#queue.shift()) {
      try {
        await this.#write(pending);
      } catch (error) {
        this.#options.onDrop?.(error);
      }
    }
    this.#writing = undefined;
  }

  async #write(pending: Pending): Promise<void> {
    const { reference, type, reason } = pending;
    const about = `${reference.kind}/${reference.namespace ?? ''}/${reference.name}/${reference.uid ?? ''}`;
    if (!this.#bucket(about).tryTake()) return;
    const group = `${about}/${type}/${reason}`;
    const isCombined = this.#isOneTooMany(group, pending.message);
    // Of those that are combined, the newest is told.
    const message = isCombined ? `${combined}: ${pending.message}` : pending.message;
    const key = `${group}/${isCombined ? combined : message}`;
    const known = this.#recorded.get(key);
    const events = this.#options.client.resource(resources.events);
    const namespace = reference.namespace ?? 'default';
    if (known !== undefined) {
      try {
        const patch = { count: known.count + 1, lastTimestamp: formatTime(this.#clock.now()), message };
        await events.patch(known.name, patch, { namespace });
        known.count++;
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error; // expired: written anew below
      }
    }
    const event = this.#newEvent(pending, message, namespace);
    await events.create(event);
    remember(this.#recorded, key, { name: event.metadata.name ?? '', count: 1 });
  }

  #bucket(about: string): TokenBucket {
    let bucket = this.#buckets.get(about);
    if (bucket === undefined) {
      bucket = createTokenBucket({ qps: limits.qps, burst: limits.burst, now: () => this.#clock.now() });
      remember(this.#buckets, about, bucket);
    }
    return bucket;
  }

  /** The group has as many messages of its own as it may. */
  #isOneTooMany(group: string, message: string): boolean {
    const nowMs = this.#clock.now();
    let similar = this.#similar.get(group);
    if (similar === undefined || nowMs - similar.sinceMs > limits.similarWindowMs) {
      similar = { messages: new Set(), sinceMs: nowMs };
      remember(this.#similar, group, similar);
    }
    if (similar.messages.has(message)) return false;
    if (similar.messages.size >= limits.similar) return true;
    similar.messages.add(message);
    return false;
  }

  #newEvent(pending: Pending, message: string, namespace: string): CoreEvent {
    const { reference, type, reason } = pending;
    const { component, host } = this.#options;
    const nowMs = this.#clock.now();
    const now = formatTime(nowMs);
    const suffix = Math.floor(this.#random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${reference.name}.${nowMs.toString(16)}${suffix}`, namespace },
      involvedObject: reference,
      reason,
      message,
      type,
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
  }
}

/** Keeps the newest entries only, so that memory is bounded. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > limits.remembered) {
    const oldest = map.keys().next();
    if (oldest.done !== true) map.delete(oldest.value);
  }
}
