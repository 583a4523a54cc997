/**
 * scheduler: puts each pod that has no node on the node that suits it best, as kube-scheduler's default profile does.
 *
 * Contract: only pods of `default-scheduler` that are on no node, not being deleted and not gated. What is decided is
 * written through the transport given (pods/binding, pod status, deletes of preempted pods, events), which the leader
 * fences with its term; aborting the signal ends everything promptly.
 *
 * Loop: informers → cache and queue; the queue's best pod → filter and score nodes → assume it on the best → bind in
 * the background; what fits nowhere waits in the queue for an event that may help it.
 *
 *     const scheduler = startScheduler({ transport, signal });
 *     await scheduler.synced();
 *     …
 *     await scheduler.stop();
 */
export type { SchedulerMetricsHooks } from './metrics.js';
export type { SchedulerHandle, SchedulerOptions } from './options.js';
export { startScheduler } from './start.js';
