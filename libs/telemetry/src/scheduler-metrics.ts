import { createCounterFamily, createGaugeFamily, createHistogramFamily, powersOfTwo } from './families.js';
import { createRegistry } from './registry.js';
import type { Registry } from './registry.js';

export type SchedulingResult = 'scheduled' | 'unschedulable' | 'error';
export type SchedulingQueue = 'active' | 'backoff' | 'unschedulable' | 'gated';

export interface SchedulerMetrics {
  readonly registry: Registry;
  /** One try to place one pod: filter, score and binding. */
  attempt(result: SchedulingResult, profile: string, seconds: number): void;
  /** The filtering and scoring part of it. */
  algorithm(seconds: number): void;
  /** From first seen in the queue to bound; `attempts` it took. */
  podScheduled(attempts: number, seconds: number): void;
  pending(queue: SchedulingQueue, pods: number): void;
}

/** Attempts beyond this count as this many: the label stays bounded. */
const maxAttemptsLabel = 15;

/** The scheduler's metrics, named as kube-scheduler's (pkg/scheduler/metrics). */
export function createSchedulerMetrics(registry: Registry = createRegistry()): SchedulerMetrics {
  const attempts = createCounterFamily({
    registry,
    name: 'scheduler_schedule_attempts_total',
    help: 'Tries to place a pod, by result.',
    labelNames: ['result', 'profile'],
    maxChildren: 100,
  });
  const durations = createHistogramFamily({
    registry,
    name: 'scheduler_scheduling_attempt_duration_seconds',
    help: 'Time of one try to place a pod: algorithm and binding.',
    labelNames: ['result', 'profile'],
    buckets: powersOfTwo(0.001, 15),
    maxChildren: 100,
  });
  const algorithm = createHistogramFamily({
    registry,
    name: 'scheduler_scheduling_algorithm_duration_seconds',
    help: 'Time of filtering and scoring nodes for a pod.',
    buckets: powersOfTwo(0.001, 15),
  }).child();
  const pods = createHistogramFamily({
    registry,
    name: 'scheduler_pod_scheduling_sli_duration_seconds',
    help: 'Time from when a pod could first be scheduled to its binding.',
    labelNames: ['attempts'],
    buckets: powersOfTwo(0.01, 20),
  });
  const pending = createGaugeFamily({
    registry,
    name: 'scheduler_pending_pods',
    help: 'Pods that wait to be scheduled, by queue.',
    labelNames: ['queue'],
  });
  return {
    registry,
    attempt(result, profile, seconds) {
      attempts.child(result, profile).increment();
      durations.child(result, profile).observe(seconds);
    },
    algorithm: (seconds) => algorithm.observe(seconds),
    podScheduled: (count, seconds) => pods.child(String(Math.min(count, maxAttemptsLabel))).observe(seconds),
    pending: (queue, count) => pending.child(queue).set(count),
  };
}
