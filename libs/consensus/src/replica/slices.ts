import type { Clock } from '../environment/clock.js';

/** Work of one turn of the event loop at most: requests and heartbeats of the API go on between two turns. */
const sliceMs = 5;

/** Runs work that takes seconds in slices of a few milliseconds, one such work at a time. */
export class Slices {
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  #steps: Iterator<unknown> | undefined;

  constructor(clock: Clock, onError: (error: Error) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  get busy(): boolean {
    return this.#steps !== undefined;
  }

  /** Begins at once; `done` is called in the turn of the last step. Nothing may be under way. */
  run(steps: Iterator<unknown>, done: () => void): void {
    this.#steps = steps;
    const advance = (): void => {
      if (this.#steps !== steps) return;
      try {
        const until = this.#clock.now() + sliceMs;
        do {
          if (steps.next().done === true) {
            this.#steps = undefined;
            return done();
          }
        } while (this.#clock.now() <= until);
      } catch (error) {
        this.#steps = undefined;
        return this.#onError(error instanceof Error ? error : new Error(String(error)));
      }
      this.#clock.soon(advance);
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
