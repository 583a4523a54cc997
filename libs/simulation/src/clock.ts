import type { Clock } from '#libs/consensus';
import type { Loop } from './event-queue.js';
import type { Stream } from './random.js';
import type { Simulator } from './simulator.js';

/** How one machine's clock differs from true time. */
export interface Skew {
  /** Its seconds in one of true time. */
  rate: number;
  /** Jumps so far, in milliseconds; only forward, as a monotonic clock's. */
  offsetMs: number;
}

/** How long a turn of an event loop takes to come round, at most. */
const turnMs = 0.03;

/** The clock and the timers of one thread, on a machine with this skew. */
export function simulatedClock(simulator: Simulator, loop: Loop, skew: Skew, random: Stream): Clock {
  let lastTurnAt = 0;
  return {
    now: () => simulator.now * skew.rate + skew.offsetMs,
    after(ms, run) {
      const event = simulator.after(ms / skew.rate, 'timer', loop, run);
      return () => void (event.cancelled = true);
    },
    every(ms, run) {
      // A timer that fires late fires once, and counts anew from there.
      const fire = (): void => {
        event = simulator.after(ms / skew.rate, 'timer', loop, fire);
        run();
      };
      let event = simulator.after(ms / skew.rate, 'timer', loop, fire);
      return () => void (event.cancelled = true);
    },
    soon(run) {
      // In the order of the calls.
      lastTurnAt = Math.max(lastTurnAt, simulator.now + random.next() * turnMs);
      simulator.queue.push(lastTurnAt, 'turn', loop, run);
    },
  };
}
