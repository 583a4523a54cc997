import { ApiError, tooManyRequests, type Status } from '#libs/apimachinery';
import type { KeyValue, Revision, StorageError } from '#libs/consensus';
import type { Clock } from '../clock.js';
import { isExpected, toApiError } from '../handler/storage-errors.js';
import type { Selection } from '../registry/selection.js';
import type { StreamSink } from '../request.js';
import type { FrameMaker } from './frames.js';
import type { HubEvent, HubSubscriber, ResourceHub } from './hub.js';

export interface WatchStreamOptions {
  readonly hub: ResourceHub;
  readonly clock: Clock;
  readonly sink: StreamSink;
  readonly frames: FrameMaker;
  readonly selection: Selection;
  /** Keys to watch: the resource's prefix or that of a namespace. */
  readonly prefix: string;
  /** Objects to announce as ADDED before anything else, as they were at `from`. */
  readonly initial: readonly KeyValue[];
  /** Everything after this revision is delivered. */
  readonly from: Revision;
  readonly bookmarks: boolean;
  /** Close the initial objects with a bookmark annotated `k8s.io/initial-events-end`. */
  readonly initialEventsEnd: boolean;
  readonly timeoutMs: number;
  readonly onEnd: () => void;
  readonly onFault: (error: unknown) => void;
}

const bookmarkIntervalMs = 60_000;
/** How long a client may take nothing at all before its watch is cut. */
const stallMs = 30_000;
const framesBetweenYields = 500;

/**
 * One client's watch. It is attached to the hub while the client keeps up; when the sink says that the client lags, it
 * detaches, waits until the sink has room and reads on from the ring or the store's history where it left off. So a slow
 * client holds no more than its sink's own bound, and nobody else feels it. One that takes nothing for 30 s is cut with
 * an ERROR event (429), one whose place has been compacted away with 410.
 */
export class WatchStream implements HubSubscriber {
  readonly prefix: string;
  readonly nodeName: string | undefined;
  #position: Revision;
  #joinedAt: Revision;
  #detach: (() => void) | undefined;
  #ended = false;
  #cancelTimeout = () => {};
  #cancelBookmark = () => {};

  constructor(readonly options: WatchStreamOptions) {
    this.prefix = options.prefix;
    this.nodeName = options.selection.nodeName;
    this.#position = options.from;
    this.#joinedAt = options.from;
  }

  start(): void {
    const { clock, timeoutMs, bookmarks } = this.options;
    this.#cancelTimeout = clock.after(timeoutMs, () => this.finish());
    if (bookmarks) this.#scheduleBookmark();
    void this.#run().catch((error: unknown) => this.#broke(error));
  }

  /** The client has gone, or the server stops. */
  stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#detach?.();
    this.#detach = undefined;
    this.#cancelTimeout();
    this.#cancelBookmark();
    this.options.onEnd();
  }

  deliver(events: readonly HubEvent[], revision: Revision): void {
    let room = true;
    try {
      for (const event of events) {
        if (event.revision > this.#joinedAt && !this.#send(event)) room = false;
      }
    } catch (error) {
      // A sink in this process threw. It must not take the hub and all its other watchers with it.
      this.#broke(error);
      return;
    }
    this.#position = revision;
    if (room || this.#ended) return;
    this.#detach?.();
    this.#detach = undefined;
    void this.#resume().catch((error: unknown) => this.#broke(error));
  }

  lost(error: StorageError): void {
    this.#broke(error);
  }

  async #run(): Promise<void> {
    const { initial, initialEventsEnd, frames, sink } = this.options;
    let sent = 0;
    for (const keyValue of initial) {
      if (this.#ended) return;
      const room = this.#write(sink, frames.stored('ADDED', keyValue));
      sent += 1;
      if (!room) await this.#untilRoom();
      else if (sent % framesBetweenYields === 0) await yieldToLoop();
    }
    if (this.#ended) return;
    if (initialEventsEnd) this.#write(sink, frames.bookmark(this.#position, true));
    await this.#catchUp();
  }

  async #resume(): Promise<void> {
    await this.#untilRoom();
    await this.#catchUp();
  }

  /** Sends what was missed and attaches to the hub once nothing is. */
  async #catchUp(): Promise<void> {
    const { hub } = this.options;
    while (!this.#ended) {
      let events = hub.recentSince(this.#position);
      let reached = hub.revision;
      if (events === undefined) ({ events, revision: reached } = await hub.history(this.#position));
      if (events.length === 0 && reached <= this.#position) break;
      for (const [index, event] of events.entries()) {
        if (this.#ended) return;
        const room = this.#send(event);
        const endOfRevision = events[index + 1]?.revision !== event.revision;
        if (endOfRevision) this.#position = event.revision;
        if (!room) await this.#untilRoom();
        else if ((index + 1) % framesBetweenYields === 0) await yieldToLoop();
      }
      if (reached > this.#position) this.#position = reached;
      if (this.#position >= hub.revision) break;
    }
    if (this.#ended) return;
    this.#joinedAt = this.#position;
    this.#detach = hub.subscribe(this);
  }

  /** False when the sink has no room for more. */
  #send(event: HubEvent): boolean {
    if (!event.key.startsWith(this.prefix)) return true;
    const { selection, frames, sink } = this.options;
    const { current, previous } = event;
    if (selection.everything) {
      if (current === undefined) return this.#write(sink, frames.departed(event));
      return this.#write(sink, frames.event(previous === undefined ? 'ADDED' : 'MODIFIED', event));
    }
    if (selection.name !== undefined && !event.key.endsWith(`/${selection.name}`)) return true;
    const was = previous !== undefined && frames.selected(selection, previous);
    const is = current !== undefined && frames.selected(selection, current);
    if (is) return this.#write(sink, frames.event(was ? 'MODIFIED' : 'ADDED', event));
    return was ? this.#write(sink, frames.departed(event)) : true;
  }

  #write(sink: StreamSink, frame: Frame): boolean {
    return sink.write(frame);
  }

  async #untilRoom(): Promise<void> {
    const { sink, clock } = this.options;
    const ready = sink.ready?.();
    if (ready === undefined) return;
    let cancel = () => {};
    let stalled = false;
    const deadline = new Promise<void>((resolve) => {
      cancel = clock.after(stallMs, () => {
        stalled = true;
        resolve();
      });
    });
    try {
      await Promise.race([ready, deadline]);
    } finally {
      cancel();
    }
    if (stalled) throw tooManyRequests('the watch was cut: the client has read nothing for 30 s', 1);
  }

  #scheduleBookmark(): void {
    this.#cancelBookmark = this.options.clock.after(bookmarkIntervalMs, () => {
      if (this.#ended) return;
      if (this.#detach !== undefined) this.#bookmark();
      this.#scheduleBookmark();
    });
  }

  #bookmark(): void {
    const { frames, sink, hub } = this.options;
    // Called by a timer: what was applied has been delivered, to hubs whose resource it does not concern too.
    this.#write(sink, frames.bookmark(hub.storage.revision, false));
  }

  /** Ends the stream in order: its time is up, or the server goes. */
  finish(): void {
    if (this.#ended) return;
    if (this.options.bookmarks && this.#detach !== undefined) this.#bookmark();
    const { sink } = this.options;
    this.stop();
    sink.end();
  }

  #broke(error: unknown): void {
    if (!isExpected(error)) this.options.onFault(error);
    this.#fail(toApiError(error));
  }

  #fail(error: ApiError): void {
    if (this.#ended) return;
    const { frames, sink } = this.options;
    const status: Status = error.toStatus();
    this.stop();
    try {
      sink.write(frames.error(status));
      sink.end();
    } catch (failure) {
      this.options.onFault(failure);
    }
  }
}

type Frame = Parameters<StreamSink['write']>[0];

function yieldToLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
