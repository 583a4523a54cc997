import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { EtcdConnection } from './grpc/connection.js';
import type { WatchResponse, WireEvent } from './grpc/messages.js';
import type { Layout } from './layout.js';

export interface FeedOptions {
  readonly connection: EtcdConnection;
  readonly layout: Layout;
  /** Whole revisions, in order, without gaps. A throw ends the feed and comes back by `onLost`. */
  readonly onEvents: (events: readonly WireEvent[]) => void;
  /** Nothing below the prefix has changed up to this revision beyond what was told. */
  readonly onProgress: (revision: number) => void;
  /** The replica must be loaded anew: what it would have to be told is gone, or does not fit. The feed has stopped. */
  readonly onLost: (why: string) => void;
  readonly onWarning: (message: string) => void;
}

type WatchStream = ClientDuplexStream<object, WatchResponse>;

/** Fragments of one revision that are held until its last one; etcd's own limit of a transaction is far below. */
const maxHeldEvents = 1_000_000;
const pauseMs = 100;

/**
 * etcd's watch of the whole prefix, kept going: from another endpoint after a failure, from where it was. Tells each
 * event once.
 */
export class Feed {
  readonly #options: FeedOptions;
  #next = 0;
  #stream: WatchStream | undefined;
  #endpoint = '';
  #held: WireEvent[] = [];
  #trustsProgress = false;
  #retry: NodeJS.Timeout | undefined;
  #stopped = true;
  #restarts = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** How often the watch had to be opened again. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Tells everything from revision `from` on. `trustsProgress`: this etcd answers a request for progress only behind the
   * events that came before (since 3.4.31, 3.5.13).
   */
  start(from: number, trustsProgress: boolean): void {
    this.#next = from;
    this.#trustsProgress = trustsProgress;
    this.#stopped = false;
    this.#open();
  }

  /** Opens the watch anew, e.g. because it goes to an endpoint that is not used any more. */
  restart(): void {
    if (this.#stopped) return;
    this.#drop();
    this.#open();
  }

  /** Asks for a notice of progress. Where it is not trusted nothing happens, and somebody has to write. */
  requestProgress(): boolean {
    if (!this.#trustsProgress) return false;
    this.#stream?.write({ progress_request: {} });
    return true;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#drop();
  }

  #drop(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#held = [];
    stream?.cancel();
  }

  #open(): void {
    const { connection, layout } = this.#options;
    this.#endpoint = connection.endpoint;
    const { endpoint } = connection;
    connection.stream('Watch/Watch').then(
      (stream) => {
        if (this.#stopped || this.#stream !== undefined || endpoint !== this.#endpoint)
          return stream.cancel();
        this.#stream = stream;
        stream.on('data', (response: WatchResponse) => this.#take(stream, response));
        stream.on('error', (error) => this.#ended(stream, connection.streamFailed(error, endpoint).message));
        stream.on('end', () => this.#ended(stream, `etcd at ${endpoint} ended the watch`));
        const create = {
          key: layout.start,
          range_end: layout.end,
          start_revision: this.#next,
          progress_notify: true,
          fragment: true,
        };
        stream.write({ create_request: create });
      },
      (error: unknown) => this.#again((error as Error).message),
    );
  }

  #ended(stream: WatchStream, why: string): void {
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    this.#held = [];
    this.#options.connection.moveOn(this.#endpoint);
    this.#again(why);
  }

  #again(why: string): void {
    if (this.#stopped || this.#retry !== undefined) return;
    this.#restarts++;
    if (this.#restarts % 50 === 1) this.#options.onWarning(`the watch of etcd is opened again: ${why}`);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (!this.#stopped && this.#stream === undefined) this.#open();
    }, pauseMs);
  }

  #take(stream: WatchStream, response: WatchResponse): void {
    if (stream !== this.#stream) return;
    try {
      if (response.canceled) this.#canceled(stream, response);
      else if (response.events.length > 0) this.#events(response);
      else if (!response.created) this.#progress(response);
    } catch (error) {
      this.#lost((error as Error).message);
    }
  }

  #canceled(stream: WatchStream, response: WatchResponse): void {
    if (response.compact_revision > 0) {
      this.#lost(`revision ${this.#next} was compacted away, ${response.compact_revision} is the first left`);
      return;
    }
    stream.cancel();
    this.#ended(stream, response.cancel_reason || 'etcd canceled the watch');
  }

  #events(response: WatchResponse): void {
    const due = response.events.filter(({ kv }) => kv.mod_revision >= this.#next);
    if (response.fragment || this.#held.length > 0) {
      for (const event of due) this.#held.push(event);
      if (this.#held.length > maxHeldEvents)
        throw new Error('etcd tells more of one revision than can be held');
      if (response.fragment) return;
    }
    const events = this.#held.length > 0 ? this.#held : due;
    this.#held = [];
    const last = events.at(-1);
    if (last === undefined) return;
    // Not the header's revision: behind a reconnection etcd tells the past in parts, all with the newest in the header.
    this.#next = last.kv.mod_revision + 1;
    this.#options.onEvents(events);
  }

  #progress({ watch_id, header }: WatchResponse): void {
    // Asked for, it is told of all watches of the stream (-1); older etcd does that without regard to events on their way.
    if (watch_id === -1 && !this.#trustsProgress) return;
    this.#next = Math.max(this.#next, header.revision + 1);
    this.#options.onProgress(header.revision);
  }

  #lost(why: string): void {
    this.stop();
    this.#options.onLost(why);
  }
}
