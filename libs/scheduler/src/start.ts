import {
  bindSignal,
  createClient,
  createDroppedEvents,
  createEventRecorder,
  createInformerFactory,
  resources,
  systemClock,
} from '#libs/client';
import { StatusWriter } from './binding/status-writer.js';
import { SchedulerCache } from './cache/cache.js';
import { allPlugins, defaultProfile } from './default-profile.js';
import { handleEvents } from './event-handlers.js';
import { Framework } from './framework/framework.js';
import { SchedulingAlgorithm } from './framework/schedule-pod.js';
import type { SchedulerHandle, SchedulerOptions } from './options.js';
import { createDefaultPreemption } from './plugins/default-preemption.js';
import { followVolumes } from './plugins/volume-binding.js';
import { createBudgetCheck } from './preemption/disruption-budgets.js';
import { createEvictor } from './preemption/evictor.js';
import { Nominator } from './preemption/nominator.js';
import { SchedulingQueue } from './queue/scheduling-queue.js';
import { Scheduler } from './scheduler.js';
import { createWorkloadSelectors } from './workload-selectors.js';

/** Starts scheduling over caches of its own. Returns at once; `synced` tells when it works. */
export function startScheduler(options: SchedulerOptions): SchedulerHandle {
  const { clock = systemClock, random = Math.random, metrics } = options;
  const stopper = new AbortController();
  const signal = AbortSignal.any([options.signal, stopper.signal]);
  const onError = (error: unknown, what: string): void => {
    if (!signal.aborted) options.onError?.(error, what);
  };
  const client = createClient(bindSignal(options.transport, signal));
  const informers = createInformerFactory({
    client,
    clock,
    onError: (error, ref) => onError(error, `informer of ${ref.resource}`),
  });
  const namespaces = informers.informer(resources.namespaces);
  const cache = new SchedulerCache((name) => namespaces.lister.getByKey(name)?.metadata.labels);
  const nominator = new Nominator();
  const statusWriter = new StatusWriter({ client, clock, signal, onError });
  const component = 'default-scheduler';
  const dropped = createDroppedEvents({
    clock,
    onError: (error) => onError(error, `events of ${component}`),
    onDropped: options.onEventDropped,
  });
  const recorder = createEventRecorder({ client, component, clock, random, onDrop: dropped.of(component) });
  const evictor = createEvictor({ client, clock, recorder });
  const preemption = createDefaultPreemption({
    cache,
    nominator,
    budgets: createBudgetCheck(informers.informer(resources.podDisruptionBudgets)),
    random,
    fitsOn: (pod) => algorithm.prober(pod),
    evict: (pod, victims, node) => {
      evictor(pod, victims, node).catch((error: unknown) => {
        onError(error, `preemption for pod ${pod.key}`);
        if (nominator.remove(pod.uid)) cache.freed++;
        queue.wake(pod.uid);
      });
    },
    onSupplanted: ({ pod, uid }) => {
      nominator.remove(uid);
      cache.freed++;
      statusWriter.clearNomination(pod);
      queue.wake(uid);
    },
  });
  const workloads = createWorkloadSelectors(informers);
  const volumes = followVolumes(informers, () => queue);
  const framework = new Framework(
    defaultProfile({ client, cache, workloads, volumes, postFilter: [preemption] }),
  );
  const algorithm = new SchedulingAlgorithm({ cache, framework, nominator, random });
  const queue = new SchedulingQueue({
    clock,
    queueSort: framework.plugins.queueSort,
    preEnqueue: (pod) => framework.runPreEnqueue(pod),
    plugins: allPlugins(framework.plugins),
    onReady: () => scheduler.wake(),
    onReleased: (pod) => cache.shapes.release(pod),
  });
  const parts = { cache, queue, nominator, framework, algorithm, statusWriter, recorder, metrics };
  const scheduler = new Scheduler({ ...parts, clock, signal, onError });
  handleEvents({ informers, cache, queue, nominator, onLeft: (uid) => statusWriter.cancel(uid) });
  informers.start(signal);
  const synced = informers.synced(signal);
  const running = runOnceSynced(scheduler, synced, signal, onError);
  return {
    synced: () => synced,
    async stop() {
      stopper.abort();
      await running;
      queue.close();
      dropped.close();
    },
  };
}

/** Deciding before all nodes and pods are known would decide wrongly. Never rejects. */
async function runOnceSynced(
  scheduler: Scheduler,
  synced: Promise<void>,
  signal: AbortSignal,
  onError: (error: unknown, what: string) => void,
): Promise<void> {
  try {
    await synced;
    await scheduler.run();
  } catch (error) {
    if (!signal.aborted) onError(error, 'scheduler');
  }
}
