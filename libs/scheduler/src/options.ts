import type { Clock, Transport } from '#libs/client';
import type { SchedulerMetricsHooks } from './metrics.js';

export interface SchedulerOptions {
  /** In-process and fenced by the leader's term: what a deposed leader still binds is refused. */
  readonly transport: Transport;
  /** Ends the scheduler: no request starts after it, those under way are aborted. */
  readonly signal: AbortSignal;
  readonly metrics?: SchedulerMetricsHooks;
  readonly clock?: Clock;
  /** In [0, 1); breaks ties between equally good nodes. */
  readonly random?: () => number;
  /** A binding that will be tried again, an event that was dropped, a watch that broke. */
  /** An event that was not written; `onError` is told of many at once. */
  readonly onEventDropped?: (component: string) => void;
  readonly onError?: (error: unknown, what: string) => void;
}

export interface SchedulerHandle {
  /** Stops, as aborting the signal does; resolves when the last binding has ended. */
  stop(): Promise<void>;
  /** Resolves when every cache holds its first state and scheduling has begun; rejects when stopped first. */
  synced(): Promise<void>;
}
