import { performance } from 'node:perf_hooks';

/** What a generator saw of one step in one second. */
export interface StepTick {
  readonly step: string;
  /** Milliseconds, of good answers. */
  readonly latenciesMs: readonly number[];
  readonly errors: number;
}

/** What a generator saw in one second of its time, the seconds counted from its start. */
export interface Tick {
  readonly second: number;
  readonly steps: readonly StepTick[];
}

/** Gathers samples second by second; each second is handed on once it is over. */
export class TickGatherer {
  readonly #onTick: (tick: Tick) => void;
  readonly #startMs = performance.now();
  #second = 0;
  #steps = new Map<string, { latenciesMs: number[]; errors: number }>();

  constructor(onTick: (tick: Tick) => void) {
    this.#onTick = onTick;
  }

  sample(step: string, latencyMs: number): void {
    this.#of(step).latenciesMs.push(latencyMs);
  }

  error(step: string): void {
    this.#of(step).errors++;
  }

  /** Hands on what is there of the second that runs. */
  flush(): void {
    if (this.#steps.size === 0) return;
    const steps = [...this.#steps].map(([step, seen]) => ({ step, ...seen }));
    this.#steps = new Map();
    this.#onTick({ second: this.#second, steps });
  }

  /** Hands on the last second when the clock has passed it. */
  turn(): void {
    const second = Math.floor((performance.now() - this.#startMs) / 1_000);
    if (second === this.#second) return;
    this.flush();
    this.#second = second;
  }

  #of(step: string): { latenciesMs: number[]; errors: number } {
    this.turn();
    let seen = this.#steps.get(step);
    if (seen === undefined) this.#steps.set(step, (seen = { latenciesMs: [], errors: 0 }));
    return seen;
  }
}
