import type { CancelTimer, Clock } from '../environment/clock.js';
import type { ClientBody, FromThread } from './protocol.js';

const gatherMs = 2;

/**
 * What clients of the peer port ask, on its way to the main thread. A turn reads from many sockets: what all of them ask
 * crosses at once. While an answer is awaited, more gathers for a moment: writes that come one by one would otherwise go to
 * the log and to the peers one by one.
 */
export class ClientGathering {
  readonly #clock: Clock;
  readonly #post: (message: FromThread) => void;
  readonly #asked: ClientBody[] = [];
  #timer: CancelTimer | undefined;
  /** The main thread has answered nothing since it was last asked. */
  #awaited = false;

  constructor(clock: Clock, post: (message: FromThread) => void) {
    this.#clock = clock;
    this.#post = post;
  }

  take(request: ClientBody): void {
    this.#asked.push(request);
    if (this.#asked.length > 1) return;
    if (this.#awaited) this.#timer = this.#clock.after(gatherMs, () => this.#cross());
    else this.#clock.soon(() => this.#cross());
  }

  /** The main thread has answered something. */
  answered(): void {
    this.#awaited = false;
  }

  #cross(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#asked.length === 0) return;
    this.#awaited = true;
    this.#post({ kind: 'clientRequests', requests: this.#asked.splice(0) });
  }
}
