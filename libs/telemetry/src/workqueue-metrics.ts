import { createCounterFamily, createGaugeFamily, createHistogramFamily } from './families.js';
import { createRegistry } from './registry.js';
import type { Registry } from './registry.js';

/** What one queue tells: `WorkQueueMetrics` of the client room. */
export interface QueueMetrics {
  added(): void;
  depth(length: number): void;
  queueDuration(seconds: number): void;
  workDuration(seconds: number): void;
  retried(): void;
}

export interface WorkqueueMetrics {
  readonly registry: Registry;
  /** The handles of the queue of this name; the same ones for the same name. */
  queue(name: string): QueueMetrics;
}

const buckets = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000] as const;

/** Work queues of controllers, named as in k8s.io/component-base/metrics/prometheus/workqueue. */
export function createWorkqueueMetrics(registry: Registry = createRegistry()): WorkqueueMetrics {
  const labelNames = ['name'];
  const adds = createCounterFamily({
    registry,
    name: 'workqueue_adds_total',
    help: 'Additions to a queue.',
    labelNames,
  });
  const depths = createGaugeFamily({
    registry,
    name: 'workqueue_depth',
    help: 'Keys that wait in a queue now.',
    labelNames,
  });
  const waits = createHistogramFamily({
    registry,
    name: 'workqueue_queue_duration_seconds',
    help: 'Time that a key waited before it was worked on.',
    labelNames,
    buckets,
  });
  const works = createHistogramFamily({
    registry,
    name: 'workqueue_work_duration_seconds',
    help: 'Time that working on a key took.',
    labelNames,
    buckets,
  });
  const retries = createCounterFamily({
    registry,
    name: 'workqueue_retries_total',
    help: 'Keys that were added again after a failure.',
    labelNames,
  });
  return {
    registry,
    queue(name) {
      const [added, depth, wait, work, retry] = [
        adds.child(name),
        depths.child(name),
        waits.child(name),
        works.child(name),
        retries.child(name),
      ];
      return {
        added: () => added.increment(),
        depth: (length) => depth.set(length),
        queueDuration: (seconds) => wait.observe(seconds),
        workDuration: (seconds) => work.observe(seconds),
        retried: () => retry.increment(),
      };
    },
  };
}
