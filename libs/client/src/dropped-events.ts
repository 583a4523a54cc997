import type { Clock } from './clock.js';

export interface DroppedEventsOptions {
  readonly clock: Clock;
  /** Told at most every ten seconds, how many there were since, with the last one's error as the cause. */
  readonly onError: (error: Error) => void;
  /** Told of each, for a metric. `component` is who wanted to record it. */
  readonly onDropped?: ((component: string) => void) | undefined;
}

export interface DroppedEvents {
  /** What an event recorder's `onDrop` is for `component`. */
  of(component: string): (error: unknown) => void;
  /** Ends its timer. */
  close(): void;
}

/** Losses are told this seldom, as a number: thousands of pods at once must not become thousands of lines of log. */
const reportEveryMs = 10_000;

/** Counts the events that recorders could not write. */
export function createDroppedEvents({ clock, onError, onDropped }: DroppedEventsOptions): DroppedEvents {
  let count = 0;
  let last: unknown;
  let cancel: (() => void) | undefined;
  const report = (): void => {
    cancel = undefined;
    const because = last instanceof Error ? `: ${last.message}` : '';
    onError(new Error(`${count} events were not written${because}`, { cause: last }));
    count = 0;
  };
  return {
    of: (component) => (error) => {
      count++;
      last = error;
      onDropped?.(component);
      cancel ??= clock.after(reportEveryMs, report);
    },
    close: () => cancel?.(),
  };
}
