import type { Clock, EventRecorder } from '#libs/client';
import type { StatusWriter } from './binding/status-writer.js';
import type { SchedulerCache } from './cache/cache.js';
import type { NodeInfo } from './cache/node-info.js';
import type { PodInfo } from './cache/pod-info.js';
import type { CycleState } from './framework/cycle-state.js';
import { messageOf, type Diagnosis } from './framework/diagnosis.js';
import type { Framework } from './framework/framework.js';
import type { SchedulingAlgorithm } from './framework/schedule-pod.js';
import type { Status } from './framework/status.js';
import type { SchedulerMetricsHooks } from './metrics.js';
import type { Nominator } from './preemption/nominator.js';
import type { QueuedPod } from './queue/queued-pod.js';
import type { SchedulingQueue } from './queue/scheduling-queue.js';

export interface SchedulerParts {
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  readonly framework: Framework;
  readonly algorithm: SchedulingAlgorithm;
  readonly statusWriter: StatusWriter;
  readonly recorder: Pick<EventRecorder, 'event'>;
  readonly metrics: SchedulerMetricsHooks | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown, what: string) => void;
}

const profile = 'default-scheduler';

const limits = {
  /** Bindings under way at once; decisions wait beyond it. */
  bindings: 256,
  /** Decisions in a row before other work of the process has its turn. */
  sliceMs: 5,
} as const;

/** Takes pods from the queue one by one, decides synchronously, binds in the background. */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #bindings = new Set<Promise<void>>();
  #wake: (() => void) | undefined;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
  }

  /** There may be something to do again. */
  wake(): void {
    this.#wake?.();
  }

  /** Runs until the signal aborts and the last binding has ended. */
  async run(): Promise<void> {
    const { signal, queue, statusWriter } = this.#parts;
    const wake = (): void => this.wake();
    signal.addEventListener('abort', wake, { once: true });
    while (!signal.aborted) {
      if (queue.activeCount === 0 || this.#bindings.size >= limits.bindings)
        await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
      // Events of the same tick come in first, and other work of the process has its turn.
      await new Promise((resolve) => setImmediate(resolve));
      if (!signal.aborted) this.#slice();
      this.#reportPending();
    }
    signal.removeEventListener('abort', wake);
    queue.close();
    await Promise.all(this.#bindings);
    await statusWriter.idle();
  }

  #slice(): void {
    const { queue } = this.#parts;
    const endMs = performance.now() + limits.sliceMs;
    while (this.#bindings.size < limits.bindings && performance.now() < endMs) {
      const queued = queue.pop();
      if (queued === undefined) return;
      this.#scheduleOne(queued);
    }
  }

  #scheduleOne(queued: QueuedPod): void {
    const { algorithm, framework, cache, queue, metrics, onError } = this.#parts;
    const pod = queued.info;
    const startMs = performance.now();
    try {
      const decision = algorithm.schedule(pod);
      metrics?.algorithm((performance.now() - startMs) / 1000);
      const { node, state } = decision;
      if (node === undefined) {
        this.#refuse(queued, state, decision.diagnosis);
        metrics?.attempt('unschedulable', profile, (performance.now() - startMs) / 1000);
        return;
      }
      cache.assume(pod, node);
      const refused = framework.runReserve(state, pod, node);
      if (refused !== undefined) {
        cache.forget(pod);
        this.#refusedLate(queued, refused);
        metrics?.attempt('unschedulable', profile, (performance.now() - startMs) / 1000);
        return;
      }
      queue.notify({ type: 'AssignedPodAdd', pod: pod.pod });
      this.#bind(queued, pod, node, state, startMs);
    } catch (error) {
      cache.forget(pod);
      queue.fail(queued);
      metrics?.attempt('error', profile, (performance.now() - startMs) / 1000);
      onError(error, `scheduling of pod ${pod.key}`);
    }
  }

  #bind(queued: QueuedPod, pod: PodInfo, node: NodeInfo, state: CycleState, startMs: number): void {
    const binding = this.#runBinding(queued, pod, node, state, startMs).finally(() => {
      this.#bindings.delete(binding);
      this.wake();
    });
    this.#bindings.add(binding);
  }

  async #runBinding(
    queued: QueuedPod,
    pod: PodInfo,
    node: NodeInfo,
    state: CycleState,
    startMs: number,
  ): Promise<void> {
    const { framework, queue, nominator, statusWriter, recorder, metrics, clock, signal, onError } =
      this.#parts;
    const seconds = (): number => (performance.now() - startMs) / 1000;
    try {
      const refused = await framework.runBinding(state, pod, node);
      if (refused !== undefined) {
        this.#undo(state, pod, node);
        this.#refusedLate(queued, refused);
        metrics?.attempt('unschedulable', profile, seconds());
        return;
      }
      queue.done(queued);
      nominator.remove(pod.uid);
      statusWriter.cancel(pod.uid);
      recorder.event(pod.pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.key} to ${node.name}`);
      metrics?.attempt('scheduled', profile, seconds());
      metrics?.podScheduled(queued.attempts, (clock.now() - queued.firstSeenMs) / 1000);
    } catch (error) {
      this.#undo(state, pod, node);
      queue.fail(queued);
      metrics?.attempt('error', profile, seconds());
      if (!signal.aborted) onError(error, `binding of pod ${pod.key}`);
    }
  }

  /** The node is free again, unless the watch has shown that the pod is on it after all. */
  #undo(state: CycleState, pod: PodInfo, node: NodeInfo): void {
    const { framework, cache, queue } = this.#parts;
    framework.runUnreserve(state, pod, node);
    if (!cache.isAssumed(pod.uid)) return;
    cache.forget(pod);
    queue.notify({ type: 'AssignedPodDelete', pod: pod.pod });
  }

  #refuse(queued: QueuedPod, state: CycleState, diagnosis: Diagnosis): void {
    const { framework, queue, nominator, cache } = this.#parts;
    const pod = queued.info;
    let message = messageOf(diagnosis);
    let nominatedNodeName: string | undefined;
    if (diagnosis.preFilter?.code !== 'unresolvable') {
      for (const plugin of framework.plugins.postFilter) {
        const result = plugin.postFilter(state, pod, diagnosis);
        if (result.message !== '') message += ` preemption: ${result.message}`;
        nominatedNodeName = result.nominatedNodeName ?? nominatedNodeName;
      }
    }
    if (nominatedNodeName === '' && nominator.remove(pod.uid)) cache.freed++;
    else if (nominatedNodeName) nominator.nominate(pod, nominatedNodeName);
    this.#tell(pod, message, nominatedNodeName);
    queue.refuse(queued, diagnosis.plugins);
  }

  #refusedLate(queued: QueuedPod, status: Status): void {
    this.#tell(queued.info, status.reasons.join(', '), undefined);
    this.#parts.queue.refuse(queued, new Set([status.plugin]));
  }

  #tell({ pod }: PodInfo, message: string, nominatedNodeName: string | undefined): void {
    const { statusWriter, recorder } = this.#parts;
    recorder.event(pod, 'Warning', 'FailedScheduling', message);
    const nominated = nominatedNodeName === undefined ? {} : { nominatedNodeName };
    statusWriter.write(pod, { reason: 'Unschedulable', message, ...nominated });
  }

  #reportPending(): void {
    const { metrics, queue } = this.#parts;
    if (metrics === undefined) return;
    const { active, backoff, unschedulable, gated } = queue.counts();
    metrics.pending('active', active);
    metrics.pending('backoff', backoff);
    metrics.pending('unschedulable', unschedulable);
    metrics.pending('gated', gated);
  }
}
