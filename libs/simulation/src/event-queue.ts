/**
 * One thread of one process: what is due to it waits while it is paused, in order, and is dropped when it has ended.
 */
export class Loop {
  alive = true;
  paused = false;
  backlog: SimEvent[] = [];
  constructor(
    readonly server: number,
    readonly name: 'main' | 'consensus',
  ) {}
}

/** What kind of thing happens; part of the trace. */
export const eventKinds = [
  'turn',
  'timer',
  'port',
  'disk',
  'message',
  'client',
  'fault',
  'process',
  'chunk',
] as const;
export type EventKind = (typeof eventKinds)[number];
const kindNumbers = new Map(eventKinds.map((kind, i) => [kind, i]));
export const numberOfKind = (kind: EventKind): number => kindNumbers.get(kind) ?? 0;

export interface SimEvent {
  /** Simulated milliseconds. */
  at: number;
  sequence: number;
  readonly kind: EventKind;
  /** Undefined for what needs no process: a disk's or a network's own doing. */
  readonly loop: Loop | undefined;
  readonly run: () => void;
  cancelled: boolean;
}

/** A binary heap of events, by time and, at equal times, by the order in which they were put in. */
export class EventQueue {
  private readonly heap: SimEvent[] = [];
  private sequence = 0;

  get size(): number {
    return this.heap.length;
  }

  push(at: number, kind: EventKind, loop: Loop | undefined, run: () => void): SimEvent {
    const event: SimEvent = { at, sequence: 0, kind, loop, run, cancelled: false };
    this.put(event);
    return event;
  }

  /** Also for an event that was taken out and is to happen later. */
  put(event: SimEvent): void {
    event.sequence = this.sequence;
    this.sequence += 1;
    const { heap } = this;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as SimEvent;
      if (!before(event, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = event;
  }

  pop(): SimEvent | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as SimEvent, heap[child] as SimEvent)) child += 1;
      const below = heap[child] as SimEvent;
      if (!before(below, last)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
