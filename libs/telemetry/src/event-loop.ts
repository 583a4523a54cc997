import { createHistogramFamily, powersOfTwo } from './families.js';
import type { HistogramChild } from './families.js';
import type { Registry } from './registry.js';

export interface EventLoopMonitor {
  /** Shows this monitor's histogram in a registry: one monitor a process may be shown in several. */
  register(registry: Registry): void;
  close(): void;
}

const sampleEveryMs = 50;

/**
 * Measures by how much timers of this thread come late: 20 samples a second, each the lateness of one. It does not keep
 * the process alive. Counted from the second sample on, when the loop has begun to turn.
 */
export function createEventLoopMonitor(): EventLoopMonitor {
  const children: HistogramChild[] = [];
  let lastMs: number | undefined;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const lateSeconds = lastMs === undefined ? 0 : Math.max(0, nowMs - lastMs - sampleEveryMs) / 1000;
    if (lastMs !== undefined) for (const child of children) child.observe(lateSeconds);
    lastMs = nowMs;
  }, sampleEveryMs);
  timer.unref();
  return {
    register(registry) {
      const family = createHistogramFamily({
        registry,
        name: 'trireme_event_loop_delay_seconds',
        help: 'By how much timers of the main thread came late.',
        buckets: powersOfTwo(0.001, 14),
      });
      children.push(family.child());
    },
    close: () => clearInterval(timer),
  };
}
