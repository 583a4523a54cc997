import { createEventRecorder, type Client, type Clock, type EventRecorder } from '#libs/client';

export interface EventSinkOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onError: (error: unknown, what: string) => void;
}

export interface EventSink {
  readonly recorder: EventRecorder;
  /** Ends its timer. */
  close(): void;
}

/** Losses are told this seldom, as a number: thousands of pods at once must not become thousands of lines of log. */
const reportEveryMs = 10_000;

/** The scheduler's events, written one by one behind its back; beyond what waits in its queue they are left out. */
export function createEventSink({ client, clock, random, onError }: EventSinkOptions): EventSink {
  let dropped = 0;
  let cancel: (() => void) | undefined;
  const report = (cause: unknown): void => {
    cancel = undefined;
    onError(new Error(`${dropped} events were not written`, { cause }), 'events of default-scheduler');
    dropped = 0;
  };
  const recorder = createEventRecorder({
    client,
    component: 'default-scheduler',
    clock,
    random,
    onDrop(error) {
      dropped++;
      cancel ??= clock.after(reportEveryMs, () => report(error));
    },
  });
  return { recorder, close: () => cancel?.() };
}
