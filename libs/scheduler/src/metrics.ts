/**
 * What the scheduler reports about itself; the shape of kube-scheduler's own metrics (pkg/scheduler/metrics). The
 * caller wires it to a registry.
 */
export interface SchedulerMetricsHooks {
  /** One try to place one pod: filter, score and binding. */
  attempt(result: 'scheduled' | 'unschedulable' | 'error', profile: string, seconds: number): void;
  /** The filtering and scoring part of it. */
  algorithm(seconds: number): void;
  /** From first seen in the queue to bound; `attempts` it took. */
  podScheduled(attempts: number, seconds: number): void;
  pending(queue: 'active' | 'backoff' | 'unschedulable' | 'gated', pods: number): void;
}
