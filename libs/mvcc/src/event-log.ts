import type { Revision, StoreEvent } from './types.js';

const eventsPerChunk = 512;

/**
 * The retained events in revision order. Appending and dropping from the front cost the same however
 * many are held; chunks only ever grow at their end, so a view of them stays as it was while writes go on.
 */
export class EventLog {
  private chunks: StoreEvent[][] = [];
  /** Events of the first chunk that are dropped already. */
  private head = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  append(event: StoreEvent): void {
    let last = this.chunks.at(-1);
    if (last === undefined || last.length === eventsPerChunk) {
      last = [];
      this.chunks.push(last);
    }
    last.push(event);
    this.count++;
  }

  first(): StoreEvent | undefined {
    return this.chunks[0]?.[this.head];
  }

  dropFirst(): void {
    this.head++;
    this.count--;
    if (this.head < this.chunks[0]!.length) return;
    this.chunks.shift();
    this.head = 0;
  }

  /** An immutable view of the events with revision ≥ from: found by binary search. */
  since(from: Revision): Iterable<StoreEvent> {
    const chunks = this.chunks;
    // The last chunk whose first event is below `from` is the first that can hold one that is not.
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (chunks[middle]![0]!.keyValue.modRevision < from) low = middle + 1;
      else high = middle;
    }
    const start = Math.max(0, low - 1);
    const held = chunks.slice(start);
    const position = lowerBound(held[0] ?? [], from, start === 0 ? this.head : 0);
    return view(held, position, held.at(-1)?.length ?? 0);
  }
}

function lowerBound(events: readonly StoreEvent[], from: Revision, start: number): number {
  let low = start;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (events[middle]!.keyValue.modRevision < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function view(chunks: readonly StoreEvent[][], position: number, lastLength: number): Iterable<StoreEvent> {
  return {
    *[Symbol.iterator]() {
      for (let c = 0; c < chunks.length; c++) {
        const chunk = chunks[c]!;
        const end = c === chunks.length - 1 ? lastLength : chunk.length;
        for (let i = c === 0 ? position : 0; i < end; i++) yield chunk[i]!;
      }
    },
  };
}
