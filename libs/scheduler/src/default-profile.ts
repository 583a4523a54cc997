import type { Client } from '#libs/client';
import type { SchedulerCache } from './cache/cache.js';
import type { Plugin, PluginSet, PostFilterPlugin } from './framework/plugin.js';
import { createDefaultBinder } from './plugins/default-binder.js';
import { createImageLocality } from './plugins/image-locality.js';
import { createInterPodAffinity } from './plugins/inter-pod-affinity.js';
import { nodeAffinity } from './plugins/node-affinity.js';
import { nodeName } from './plugins/node-name.js';
import { nodePorts } from './plugins/node-ports.js';
import { nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced-allocation.js';
import { nodeResourcesFit } from './plugins/node-resources-fit.js';
import { nodeUnschedulable } from './plugins/node-unschedulable.js';
import { createPodTopologySpread } from './plugins/pod-topology-spread.js';
import { prioritySort } from './plugins/priority-sort.js';
import { schedulingGates } from './plugins/scheduling-gates.js';
import { createTaintToleration } from './plugins/taint-toleration.js';
import { createVolumeBinding, type VolumeSource } from './plugins/volume-binding.js';
import type { WorkloadSelectors } from './workload-selectors.js';

export interface ProfileParts {
  readonly client: Client;
  readonly cache: SchedulerCache;
  readonly workloads: WorkloadSelectors;
  readonly volumes: VolumeSource;
  readonly postFilter: readonly PostFilterPlugin[];
}

/** The plugins of kube-scheduler's default profile, in its order and with its weights. */
export function defaultProfile({ client, cache, workloads, volumes, postFilter }: ProfileParts): PluginSet {
  const taintToleration = createTaintToleration(cache);
  const podTopologySpread = createPodTopologySpread(cache, workloads);
  const volumeBinding = createVolumeBinding(volumes);
  const interPodAffinity = createInterPodAffinity(cache);
  return {
    preEnqueue: [schedulingGates],
    queueSort: prioritySort,
    preFilter: [nodeName, nodeAffinity, nodePorts, volumeBinding, podTopologySpread, interPodAffinity],
    filter: [
      nodeUnschedulable,
      nodeName,
      taintToleration,
      nodeAffinity,
      nodePorts,
      nodeResourcesFit,
      volumeBinding,
      podTopologySpread,
      interPodAffinity,
    ],
    postFilter,
    score: [
      taintToleration,
      nodeAffinity,
      nodeResourcesFit,
      podTopologySpread,
      interPodAffinity,
      nodeResourcesBalancedAllocation,
      createImageLocality(cache),
    ],
    reserve: [],
    permit: [],
    preBind: [],
    bind: createDefaultBinder(client),
    postBind: [],
  };
}

export function allPlugins(set: PluginSet): Plugin[] {
  return [
    ...new Set<Plugin>([
      ...set.preEnqueue,
      ...set.preFilter,
      ...set.filter,
      ...set.postFilter,
      ...set.reserve,
      ...set.permit,
      ...set.preBind,
      set.bind,
    ]),
  ];
}
