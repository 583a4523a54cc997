import { setMaxListeners } from 'node:events';
import {
  bindSignal,
  createClient,
  createDroppedEvents,
  createEventRecorder,
  createInformerFactory,
  isConflict,
  systemClock,
  type Clock,
  type EventRecorder,
  type Transport,
  type WorkQueueMetrics,
} from '#libs/client';
import { createClusterRoleAggregationController } from './clusterrole-aggregation.js';
import type { Controller, ControllerContext } from './context.js';
import { createCronJobController } from './cronjob/cronjob.js';
import { createDaemonSetController } from './daemonset/daemonset.js';
import { createDeploymentController } from './deployment/deployment.js';
import { createDisruptionController } from './disruption.js';
import { createEndpointsController } from './endpoints/endpoints.js';
import { createEndpointSliceController } from './endpoints/endpointslice.js';
import { createGarbageCollector } from './garbage-collector/garbage-collector.js';
import { createJobController } from './job/job.js';
import { createNamespaceController } from './namespace.js';
import { createNodeLifecycleController } from './node-lifecycle.js';
import { createPodGcController, type PodGcOptions } from './pod-gc.js';
import { createReplicaSetController } from './replicaset.js';
import { createReplicationControllerController } from './replicationcontroller.js';
import { createRootCaPublisherController, createServiceAccountController } from './serviceaccount.js';
import { createStatefulSetController } from './statefulset/statefulset.js';
import { createTaintEvictionController } from './taint-eviction.js';
import { createTtlAfterFinishedController } from './ttl-after-finished.js';

export interface ControllersOptions {
  /** In-process and fenced by the leader's term: what a deposed leader still writes is refused. */
  readonly transport: Transport;
  /** Ends all controllers: no request starts after it, those under way are aborted. */
  readonly signal: AbortSignal;
  /** PEM of the cluster's CA, published to every namespace. */
  readonly rootCa: string;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly workQueueMetrics?: (queue: string) => WorkQueueMetrics;
  /** A reconcile that will be tried again, an event that was dropped, a watch that broke. Conflicts are left out: they are daily bread. */
  readonly onError?: (error: unknown, what: string) => void;
  /** An event that was not written, and whose it was; `onError` is told of many at once. */
  readonly onEventDropped?: (component: string) => void;
  readonly podGc?: PodGcOptions;
  /** How long a node may be silent; default 40 000 ms. */
  readonly nodeMonitorGraceMs?: number;
}

export interface ControllersHandle {
  /** Names of what runs, as in Kubernetes' `--controllers`. */
  readonly names: readonly string[];
  /** Resolves when every cache holds its first state. */
  synced(): Promise<void>;
  /** Stops all, as aborting the signal does; resolves when the last reconcile has ended. */
  stop(): Promise<void>;
}

/** Starts every controller over one shared set of caches. Returns at once; `synced` tells when they work. */
export function startControllers(options: ControllersOptions): ControllersHandle {
  const stopper = new AbortController();
  const signal = AbortSignal.any([options.signal, stopper.signal]);
  // Every informer, queue and request under way listens to it: a bounded number, and more than ten.
  setMaxListeners(0, signal);
  const { context, informers } = makeContext(options, signal);
  const controllers = makeControllers(context, options);
  const running = controllers.map((controller) =>
    controller.start(signal).catch((error: unknown) => {
      if (!signal.aborted) options.onError?.(error, controller.name);
    }),
  );
  informers.start(signal);
  return {
    names: controllers.map((controller) => controller.name),
    synced: () => informers.synced(signal),
    async stop() {
      stopper.abort();
      await Promise.all(running);
    },
  };
}

function makeContext(
  options: ControllersOptions,
  signal: AbortSignal,
): { context: ControllerContext; informers: ReturnType<typeof createInformerFactory> } {
  const { clock = systemClock, random = Math.random, onError, workQueueMetrics } = options;
  const client = createClient(bindSignal(options.transport, signal));
  const report = (error: unknown, what: string): void => {
    if (!signal.aborted && !isConflict(error)) onError?.(error, what);
  };
  const informers = createInformerFactory({
    client,
    clock,
    onError: (error, ref) => report(error, `informer of ${ref.resource}`),
  });
  const dropped = createDroppedEvents({
    clock,
    onError: (error) => report(error, 'events of controllers'),
    onDropped: options.onEventDropped,
  });
  signal.addEventListener('abort', () => dropped.close(), { once: true });
  const recorders = new Map<string, EventRecorder>();
  const context: ControllerContext = {
    client,
    informers,
    clock,
    random,
    recorderFor(component) {
      let recorder = recorders.get(component);
      if (recorder === undefined) {
        recorder = createEventRecorder({
          client,
          component,
          clock,
          random,
          onDrop: dropped.of(component),
        });
        recorders.set(component, recorder);
      }
      return recorder;
    },
    ...(workQueueMetrics === undefined ? {} : { queueMetrics: workQueueMetrics }),
    onError: (error, key, controller) => report(error, `${controller} ${key}`),
  };
  return { context, informers };
}

function makeControllers(context: ControllerContext, options: ControllersOptions): Controller[] {
  return [
    createDeploymentController(context),
    createReplicaSetController(context),
    createReplicationControllerController(context),
    createStatefulSetController(context),
    createDaemonSetController(context),
    createJobController(context),
    createCronJobController(context),
    createEndpointsController(context),
    createEndpointSliceController(context),
    createNamespaceController(context),
    createGarbageCollector(context),
    createServiceAccountController(context),
    createRootCaPublisherController(context, options.rootCa),
    createNodeLifecycleController(
      context,
      options.nodeMonitorGraceMs === undefined ? {} : { graceMs: options.nodeMonitorGraceMs },
    ),
    createTaintEvictionController(context),
    createPodGcController(context, options.podGc),
    createDisruptionController(context),
    createTtlAfterFinishedController(context),
    createClusterRoleAggregationController(context),
  ];
}
