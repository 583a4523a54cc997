/** Time as an argument, so that tests own it. */
export interface Clock {
  /** Unix time in milliseconds. */
  nowMs(): number;
  /** Calls `callback` once after `delayMs`; returns what cancels it. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

let lastSecond = -1;
let lastText = '';

/** RFC 3339 in UTC with whole seconds, as Kubernetes writes times. The text of a second is made once. */
export function timestamp(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = new Date(second * 1000).toISOString().replace('.000Z', 'Z');
  }
  return lastText;
}
