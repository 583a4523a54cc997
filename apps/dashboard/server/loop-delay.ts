import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

const resolutionMs = 10;
const windowMs = 1_000;
/** Measuring wakes the loop a hundred times a second: it ends soon after nobody has asked. */
const idleAfterMs = 5_000;

/** Event-loop delay of the main thread over the last whole second, measured only while somebody asks for it. */
export class LoopDelay {
  #histogram: IntervalHistogram | undefined;
  #timer: NodeJS.Timeout | undefined;
  #askedAt = 0;
  #last: { readonly p99Ms: number; readonly maxMs: number } | undefined;

  read(): { readonly p99Ms: number; readonly maxMs: number } | undefined {
    this.#askedAt = performance.now();
    if (this.#histogram === undefined) this.#start();
    return this.#last;
  }

  #start(): void {
    const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
    histogram.enable();
    this.#histogram = histogram;
    this.#timer = setInterval(() => {
      // What Node records is the whole interval between two of its timers.
      const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolutionMs);
      this.#last = { p99Ms: late(histogram.percentile(99)), maxMs: late(histogram.max) };
      histogram.reset();
      if (performance.now() - this.#askedAt > idleAfterMs) this.close();
    }, windowMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#histogram?.disable();
    this.#histogram = undefined;
    this.#last = undefined;
  }
}
