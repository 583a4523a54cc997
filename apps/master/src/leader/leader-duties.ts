import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Storage } from '#libs/consensus';
import type { Logger } from '#libs/telemetry';

/** What a leader does beside leading: runs until the signal aborts. `term` fences its writes. */
export type Duty = {
  readonly name: string;
  readonly run: (term: number, signal: AbortSignal) => Promise<void>;
};

/**
 * Starts the duties when this replica wins leadership and stops them when it loses it: the Raft term is their lease. A
 * duty that fails is started again, after a pause, while the term lasts. A duty of an older term that lingers does no
 * harm: the state machine refuses its writes.
 */
export class LeaderDuties {
  readonly #storage: Storage;
  readonly #duties: readonly Duty[];
  readonly #logger: Logger;
  #current: { readonly term: number; readonly abort: AbortController } | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(storage: Storage, duties: readonly Duty[], logger: Logger) {
    this.#storage = storage;
    this.#duties = duties;
    this.#logger = logger;
  }

  start(): void {
    this.#unsubscribe = this.#storage.onLeadership(({ isLeader, term }) => {
      if (isLeader && this.#current?.term === term) return;
      this.#stopCurrent();
      if (isLeader) this.#begin(term);
    });
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#stopCurrent();
  }

  #stopCurrent(): void {
    if (this.#current === undefined) return;
    this.#logger.info({ term: this.#current.term }, 'leadership ended');
    this.#current.abort.abort();
    this.#current = undefined;
  }

  #begin(term: number): void {
    const abort = new AbortController();
    // Whatever a duty has under way listens to it.
    setMaxListeners(0, abort.signal);
    this.#current = { term, abort };
    this.#logger.info({ term }, 'leadership won');
    for (const duty of this.#duties) void this.#keepRunning(duty, term, abort.signal);
  }

  async #keepRunning(duty: Duty, term: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await duty.run(term, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#logger.error({ duty: duty.name, term, error: (error as Error).message }, 'will try again');
        await delay(500, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
