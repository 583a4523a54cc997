import type { Transport } from '#libs/client';
import type { EventRow, ObjectsFrame } from '../protocol.js';

const path = '/api/v1/events';
/** Events that are read at the start. With more than that in the store, older ones may be missing from the tail. */
const readMax = 500;
const keptMax = 200;
const shownMax = 14;

interface EventObject {
  readonly metadata: { readonly uid: string; readonly creationTimestamp?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly note?: string;
  readonly count?: number;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
}

interface EventList {
  readonly metadata: { readonly resourceVersion: string; readonly remainingItemCount?: number };
  readonly items: readonly EventObject[];
}

/** The newest Events, as one user may see them: read once, then followed by a watch. */
export class EventsTail {
  readonly #transport: Transport;
  readonly #rows = new Map<string, EventRow>();
  #total = 0;
  #watch: { close(): void } | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Starts following where it does not, and answers with what is known. Rejects with ApiError. */
  async read(): Promise<ObjectsFrame['events']> {
    if (this.#watch === undefined) await this.#start();
    const rows = [...this.#rows.values()].sort((a, b) => b.at - a.at).slice(0, shownMax);
    return { rows, total: this.#total };
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  async #start(): Promise<void> {
    const { body } = await this.#transport.request({
      method: 'GET',
      path,
      query: { limit: String(readMax), resourceVersion: '0' },
    });
    const { items, metadata } = body as EventList;
    this.#rows.clear();
    for (const item of items) this.#keep(item);
    this.#total = items.length + (metadata.remainingItemCount ?? 0);
    this.#watch = await this.#transport.watch(
      { method: 'GET', path, query: { watch: 'true', resourceVersion: metadata.resourceVersion } },
      {
        onEvent: (type, object) => this.#take(type, object as EventObject),
        // Read anew at the next turn.
        onEnd: () => (this.#watch = undefined),
      },
    );
  }

  #take(type: string, object: EventObject): void {
    if (type === 'ADDED' || type === 'MODIFIED') this.#keep(object);
    if (type === 'ADDED') this.#total += 1;
    if (type !== 'DELETED') return;
    this.#total -= 1;
    this.#rows.delete(object.metadata.uid);
  }

  #keep(event: EventObject): void {
    const { kind = '', namespace, name = '' } = event.involvedObject ?? {};
    const time =
      event.series?.lastObservedTime ??
      event.lastTimestamp ??
      event.eventTime ??
      event.metadata.creationTimestamp;
    this.#rows.set(event.metadata.uid, {
      uid: event.metadata.uid,
      at: time === undefined ? 0 : Date.parse(time),
      type: event.type ?? 'Normal',
      reason: event.reason ?? '',
      object: `${kind} ${namespace === undefined || namespace === '' ? '' : `${namespace}/`}${name}`.trim(),
      message: (event.message ?? event.note ?? '').slice(0, 300),
      count: event.series?.count ?? event.count ?? 1,
    });
    if (this.#rows.size <= keptMax) return;
    const oldest = [...this.#rows.values()].reduce((a, b) => (b.at < a.at ? b : a));
    this.#rows.delete(oldest.uid);
  }
}
