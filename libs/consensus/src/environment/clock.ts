/** Ends a timer; harmless when it has fired or was ended before. */
export type CancelTimer = () => void;

/** Time as this room uses it. All of it is monotonic; nothing here is the time of day. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  every(ms: number, run: () => void): CancelTimer;
  after(ms: number, run: () => void): CancelTimer;
  /** Behind whatever input is waiting now, as `setImmediate` does it. */
  soon(run: () => void): void;
}

/** The process's own. Globals are looked up at each call, so that tests can put fake timers in their place. */
export const nodeClock: Clock = {
  now: () => performance.now(),
  every(ms, run) {
    const timer = setInterval(run, ms);
    return () => clearInterval(timer);
  },
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon: (run) => void setImmediate(run),
};
