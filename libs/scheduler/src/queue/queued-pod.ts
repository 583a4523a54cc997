import type { PodInfo } from '../cache/pod-info.js';
import type { HeapElement } from './heap.js';

/** `out`: taken out to be scheduled, until it is bound or comes back. `gone`: no longer to be scheduled. */
export type Place = 'active' | 'backoff' | 'unschedulable' | 'gated' | 'out' | 'gone';

export interface QueuedPod extends HeapElement {
  info: PodInfo;
  place: Place;
  /** When it last came into the queue. */
  timestampMs: number;
  /** When it first could be scheduled. */
  readonly firstSeenMs: number;
  /** Breaks ties of time: who came first. */
  readonly sequence: number;
  attempts: number;
  /** Failures in a row; they set the backoff. */
  failures: number;
  backoffUntilMs: number;
  /** Plugins that refused it last. */
  refusedBy: ReadonlySet<string>;
}
