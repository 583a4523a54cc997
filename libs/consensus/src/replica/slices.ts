import type { Clock } from '../environment/clock.js';

/** Work of one turn of the event loop at most: requests and heartbeats of the API go on between two turns. */
const sliceMs = 5;

export interface SlicesOptions<Message> {
  readonly clock: Clock;
  readonly onError: (error: Error) => void;
  /** Takes what was held behind work that is done now, in order. */
  readonly onReleased: (message: Message) => void;
}

/** Runs work that takes seconds in slices of a few milliseconds, one such work at a time; what must come after it waits. */
export class Slices<Message> {
  readonly #options: SlicesOptions<Message>;
  #steps: Iterator<unknown> | undefined;
  #held: Message[] = [];

  constructor(options: SlicesOptions<Message>) {
    this.#options = options;
  }

  /** Whether work is under way, behind which this message now waits. */
  holds(message: Message): boolean {
    if (this.#steps === undefined) return false;
    this.#held.push(message);
    return true;
  }

  /** Begins at once; `done` is called in the turn of the last step. Nothing may be under way. */
  run(steps: Iterator<unknown>, done: () => void): void {
    const { clock, onError, onReleased } = this.#options;
    this.#steps = steps;
    const finish = (): void => {
      this.#steps = undefined;
      done();
      for (const message of this.#held.splice(0)) onReleased(message);
    };
    const advance = (): void => {
      if (this.#steps !== steps) return;
      try {
        const until = clock.now() + sliceMs;
        do {
          if (steps.next().done === true) return finish();
        } while (clock.now() <= until);
      } catch (error) {
        this.#steps = undefined;
        return onError(error instanceof Error ? error : new Error(String(error)));
      }
      clock.soon(advance);
    };
    advance();
  }

  /** What is under way is given up; `done` is not called. */
  stop(): void {
    const steps = this.#steps;
    this.#steps = undefined;
    steps?.return?.();
  }
}
