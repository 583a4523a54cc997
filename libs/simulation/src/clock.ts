import type { Clock } from '#libs/consensus';
import type { Loop } from './event-queue.js';
import type { Stream } from './random.js';
import type { Simulator } from './simulator.js';

/** How one machine's clock differs from true time; it is monotonic, and never goes back. */
export class Skew {
  #rate = 1;
  #offsetMs = 0;

  /** Its seconds in one of true time. */
  get rate(): number {
    return this.#rate;
  }

  /** What it shows at true time `now`, in milliseconds. */
  at(now: number): number {
    return now * this.#rate + this.#offsetMs;
  }

  /** From true time `now` on it runs at another rate. */
  runAt(rate: number, now: number): void {
    this.#offsetMs += now * (this.#rate - rate);
    this.#rate = rate;
  }

  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}

/** How long a turn of an event loop takes to come round, at most. */
const turnMs = 0.03;

/** The clock and the timers of one thread, on a machine with this skew. */
export function simulatedClock(simulator: Simulator, loop: Loop, skew: Skew, random: Stream): Clock {
  let lastTurnAt = 0;
  return {
    now: () => skew.at(simulator.now),
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
