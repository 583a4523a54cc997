import {
  createWorkQueue,
  runController,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
  type InformerFactory,
  type Reconcile,
  type WorkQueue,
  type WorkQueueMetrics,
} from '#libs/client';
import type { KubernetesObject } from '#libs/apimachinery';

/** What every controller is made from. All of it ends with the leadership it was made for. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: () => number;
  /** Events of a component, e.g. `deployment-controller`. */
  readonly recorderFor: (component: string) => EventRecorder;
  /** Observer of a controller's queue, by the queue's name. */
  readonly queueMetrics?: (queue: string) => WorkQueueMetrics;
  readonly onError?: (error: unknown, key: string, controller: string) => void;
}

export interface Controller {
  /** As in Kubernetes' `--controllers`, e.g. `replicaset`. */
  readonly name: string;
  /**
   * Waits for its caches, then reconciles until `signal` aborts; resolves when the last reconcile has ended.
   * The informer factory must be running.
   */
  start(signal: AbortSignal): Promise<void>;
}

/** The queue of a controller, observed where the context asks for it. */
export function queueFor(context: ControllerContext, name: string): WorkQueue {
  const metrics = context.queueMetrics?.(name);
  return createWorkQueue({ clock: context.clock, ...(metrics === undefined ? {} : { metrics }) });
}

export interface ControllerParts {
  readonly name: string;
  readonly workers: number;
  readonly queue: WorkQueue;
  /** Caches that reconcile reads; nothing is reconciled before all hold their first state. */
  readonly needs: readonly Pick<Informer<KubernetesObject>, 'synced'>[];
  readonly reconcile: Reconcile;
}

export function makeController(context: ControllerContext, parts: ControllerParts): Controller {
  const { name, workers, queue, needs, reconcile } = parts;
  return {
    name,
    async start(signal) {
      try {
        await Promise.all(needs.map((informer) => informer.synced(signal)));
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      await runController({
        name,
        queue,
        workers,
        reconcile,
        signal,
        ...(context.onError === undefined ? {} : { onError: context.onError }),
      });
    },
  };
}

/** A controller that looks at everything once a period instead of following changes. */
export function makePeriodicController(
  context: ControllerContext,
  parts: {
    readonly name: string;
    readonly periodMs: number;
    readonly needs: ControllerParts['needs'];
    readonly run: (signal: AbortSignal) => Promise<void>;
  },
): Controller {
  const queue = queueFor(context, parts.name);
  const round = 'round';
  queue.add(round);
  return makeController(context, {
    name: parts.name,
    workers: 1,
    queue,
    needs: parts.needs,
    async reconcile(_key, signal) {
      await parts.run(signal);
      return { requeueAfterMs: parts.periodMs };
    },
  });
}
