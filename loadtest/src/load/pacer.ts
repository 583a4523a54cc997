import { dueAtMs, type Group, iterationsDue } from './plan.js';

export interface Iteration {
  /** Number of the iteration in its group, over all generator processes. */
  readonly n: number;
  /** When it should have begun (performance.now()); its latencies count from there, however late it begins. */
  readonly dueMs: number;
}

/**
 * Hands out a group's iterations: at once in a closed loop, when they are due at a rate. An iteration for which no
 * client is free waits, and its wait is part of its latency: nothing is omitted because the server was slow.
 * Of several generator processes, number `index` takes every `processes`-th iteration.
 */
export class Pacer {
  readonly #group: Group;
  readonly #seconds: number;
  readonly #share: { readonly index: number; readonly processes: number };
  readonly #limit: number;
  readonly #idle: ((iteration: Iteration) => void)[] = [];
  #startMs = 0;
  #taken = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(group: Group, seconds: number, share: { readonly index: number; readonly processes: number }) {
    this.#group = group;
    this.#seconds = seconds;
    this.#share = share;
    const total = Math.min(
      group.maximumIterations,
      group.rate === null ? group.maximumIterations : iterationsDue(group.rate, seconds),
    );
    this.#limit = Math.max(0, Math.ceil((total - share.index) / share.processes));
  }

  /** Begins to hand out; what was asked for before waits until now. */
  start(): void {
    this.#startMs = performance.now();
    this.#pump();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Asks for one iteration; `begin` is called once, maybe later, never after the end. */
  take(begin: (iteration: Iteration) => void): void {
    this.#idle.push(begin);
    this.#pump();
  }

  /** Nothing is left to hand out. */
  get exhausted(): boolean {
    return this.#taken >= this.#limit;
  }

  /** Iterations that were due and never begun. */
  get missed(): number {
    return this.#group.rate === null ? 0 : this.#limit - this.#taken;
  }

  #pump(): void {
    if (this.#startMs === 0 || this.#stopped) return;
    clearTimeout(this.#timer);
    while (this.#idle.length > 0 && !this.exhausted) {
      const n = this.#taken * this.#share.processes + this.#share.index;
      const now = performance.now();
      const dueMs =
        this.#group.rate === null ? now : this.#startMs + dueAtMs(this.#group.rate, this.#seconds, n);
      if (dueMs > now) {
        // Timers of less than a millisecond fire after one: what is due by then goes in one turn.
        this.#timer = setTimeout(() => this.#pump(), dueMs - now);
        return;
      }
      this.#taken++;
      this.#idle.shift()?.({ n, dueMs });
    }
  }
}
