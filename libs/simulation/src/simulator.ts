import { EventQueue, numberOfKind } from './event-queue.js';
import type { EventKind, Loop, SimEvent } from './event-queue.js';
import { runMicrotasks } from './microtasks.js';

/** What a run found to be wrong, and when. */
export interface Violation {
  readonly what: string;
  readonly at: number;
  readonly event: number;
}

const keptLines = 4_000;

/** Simulated time: the queue of what is to happen, the trace of what has, and the first thing that went wrong. */
export class Simulator {
  readonly queue = new EventQueue();
  now = 0;
  /** Events that have happened. */
  count = 0;
  violation: Violation | undefined;
  /** Of every event so far, in order: equal runs have equal ones. */
  traceHash = 0x811c9dc5;
  private lines: string[] = [];

  /** `tell`: keep the last lines of a readable account, for whoever reads a failure. */
  constructor(private readonly tell: boolean) {}

  after(delayMs: number, kind: EventKind, loop: Loop | undefined, run: () => void): SimEvent {
    return this.queue.push(this.now + delayMs, kind, loop, run);
  }

  /** False when nothing is left to happen. */
  step(): boolean {
    const event = this.queue.pop();
    if (event === undefined) return false;
    if (event.cancelled) return true;
    const { loop } = event;
    if (loop !== undefined) {
      if (!loop.alive) return true;
      if (loop.paused) {
        loop.backlog.push(event);
        return true;
      }
    }
    this.now = event.at;
    this.count += 1;
    this.mix(numberOfKind(event.kind) * 16 + (loop?.server ?? 0));
    this.mix(event.at * 1024);
    try {
      event.run();
    } catch (error) {
      this.fail(`an error was thrown in a ${event.kind} event: ${describeError(error)}`);
    }
    runMicrotasks();
    return true;
  }

  resume(loop: Loop): void {
    loop.paused = false;
    const { backlog } = loop;
    loop.backlog = [];
    for (const event of backlog) {
      event.at = this.now;
      this.queue.put(event);
    }
  }

  mix(value: number): void {
    this.traceHash = Math.imul(this.traceHash ^ (value | 0), 16777619) >>> 0;
  }

  /** Notes the first violation; the run ends with the event. */
  fail(what: string): void {
    if (this.violation !== undefined) return;
    this.violation = { what, at: this.now, event: this.count };
    this.note(() => `VIOLATION ${what}`);
  }

  note(line: () => string): void {
    if (!this.tell) return;
    this.lines.push(`${this.now.toFixed(3).padStart(10)} ${line()}`);
    if (this.lines.length > keptLines * 2) this.lines = this.lines.slice(-keptLines);
  }

  story(): readonly string[] {
    return this.lines.slice(-keptLines);
  }
}

export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
