import { StorageError } from '#libs/consensus';

export interface AvailabilityOptions {
  /** Where Redis is, without credentials. */
  readonly shown: string;
  readonly patienceMs: number;
  readonly onChange: (up: boolean, detail: string) => void;
  /** Redis has been away for `patienceMs`. */
  readonly onPatienceOver: () => void;
}

const pauseMinMs = 50;
const pauseMaxMs = 1_000;
const steadyMs = 2_000;

/** Whether Redis is there: tells each change once, and says how long to wait before the next attempt. */
export class Availability {
  readonly #options: AvailabilityOptions;
  /** Undefined at the start, when nothing was told yet. */
  #isUp: boolean | undefined;
  #failure = 'it has not been reached yet';
  #pauseMs = pauseMinMs;
  #patience: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #foundAt = Number.NEGATIVE_INFINITY;
  #closed = false;
  connects = 0;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  found(): void {
    this.connects++;
    this.#foundAt = performance.now();
    clearTimeout(this.#patience);
    if (this.#isUp !== true)
      this.#options.onChange(true, `events are kept in Redis at ${this.#options.shown}`);
    this.#isUp = true;
  }

  lost(error: Error): void {
    this.#failure = error.message;
    if (this.#isUp === false) return;
    // One that is lost as soon as it is found is not asked again and again.
    if (performance.now() - this.#foundAt > steadyMs) this.#pauseMs = pauseMinMs;
    this.#isUp = false;
    this.#patience = setTimeout(this.#options.onPatienceOver, this.#options.patienceMs);
    this.#options.onChange(false, error.message);
  }

  /** What is answered while Redis is away. */
  error(detail = this.#failure): StorageError {
    return new StorageError(
      'Unavailable',
      `the events store (Redis at ${this.#options.shown}) is away: ${detail}`,
    );
  }

  /** Before the next attempt: longer with each that failed. */
  pause(): Promise<void> {
    const ms = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMaxMs, ms * 2);
    return this.wait(ms);
  }

  /** Ends early when it is closed. */
  wait(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#patience);
    this.#wake?.();
  }
}
