import { createHistogramFamily, powersOfTwo } from './families.js';
import type { Registry } from './registry.js';

export interface FailoverMetrics {
  /** To be told of each change: whether this replica knows a leader now. */
  leaderKnown(known: boolean, nowMs: number): void;
}

/**
 * trireme_failover_duration_seconds: how long this replica knew no leader, from losing one to knowing the next. The time
 * before its first leader is a start, not a failover. Times in monotonic milliseconds.
 */
export function createFailoverMetrics(registry: Registry): FailoverMetrics {
  const durations = createHistogramFamily({
    registry,
    name: 'trireme_failover_duration_seconds',
    help: 'Time from losing a leader to knowing the next.',
    buckets: powersOfTwo(0.005, 14),
  }).child();
  let lostAtMs: number | undefined;
  let everKnown = false;
  return {
    leaderKnown(known, nowMs) {
      if (known) {
        if (lostAtMs !== undefined) durations.observe((nowMs - lostAtMs) / 1_000);
        lostAtMs = undefined;
        everKnown = true;
      } else if (everKnown) lostAtMs ??= nowMs;
    },
  };
}
