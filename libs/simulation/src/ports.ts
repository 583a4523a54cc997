import type { FromThread, Port, ToThread } from '#libs/consensus';
import type { Loop } from './event-queue.js';
import type { Stream } from './random.js';
import type { Simulator } from './simulator.js';

/** How long a message needs between the threads of a process, at most. */
const crossingMs = 0.08;

class End<Out, In> implements Port<Out, In> {
  other: End<In, Out> | undefined;
  private listener: ((message: In) => void) | undefined;
  private early: In[] = [];
  private lastAt = 0;

  constructor(
    private readonly simulator: Simulator,
    private readonly loop: Loop,
    private readonly random: Stream,
    private readonly onPost: (message: Out) => void,
  ) {}

  on(_event: 'message', listener: (message: In) => void): void {
    this.listener = listener;
    for (const message of this.early.splice(0)) listener(message);
  }

  postMessage(message: Out): void {
    this.onPost(message);
    this.lastAt = Math.max(this.lastAt, this.simulator.now + this.random.next() * crossingMs);
    const { other } = this;
    if (other !== undefined)
      this.simulator.queue.push(this.lastAt, 'port', other.loop, () => other.receive(message));
  }

  private receive(message: In): void {
    if (this.listener === undefined) this.early.push(message);
    else this.listener(message);
  }
}

/** The channel between the two threads of a process: in order, never lost, and some time on the way. */
export function simulatedChannel(
  simulator: Simulator,
  loops: { readonly main: Loop; readonly consensus: Loop },
  random: Stream,
  onToThread: (message: ToThread) => void,
): { readonly main: Port<ToThread, FromThread>; readonly consensus: Port<FromThread, ToThread> } {
  const main = new End<ToThread, FromThread>(simulator, loops.main, random, onToThread);
  const consensus = new End<FromThread, ToThread>(simulator, loops.consensus, random, () => undefined);
  main.other = consensus;
  consensus.other = main;
  return { main, consensus };
}
