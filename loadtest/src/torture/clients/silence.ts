const longMs = 3_000;

/** Calls back once nothing was heard for long: a watch of a master that is paused or cut off says nothing at all. */
export class Silence {
  readonly #onLong: () => void;
  #timer: NodeJS.Timeout;

  constructor(onLong: () => void) {
    this.#onLong = onLong;
    this.#timer = setTimeout(onLong, longMs);
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onLong, longMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
