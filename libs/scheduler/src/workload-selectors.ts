import type { LabelSelectorObject } from '#libs/apimachinery';
import { resources, type Informer, type InformerFactory } from '#libs/client';
import type { KubernetesObject } from '#libs/apimachinery';
import type { PodShape } from './cache/pod-shape.js';

/** What a pod's Services and its owner select: the pods that it is to be spread with when it does not say so itself. */
export interface WorkloadSelectors {
  /** Grows when any answer may have changed. */
  readonly version: number;
  /** Undefined where nothing selects the pod. */
  selectorOf(shape: PodShape): LabelSelectorObject | undefined;
}

/** From the caches of Services, ReplicationControllers, ReplicaSets and StatefulSets (helper.DefaultSelector). */
export function createWorkloadSelectors(informers: InformerFactory): WorkloadSelectors {
  const services = informers.informer(resources.services);
  const replicationControllers = informers.informer(resources.replicationControllers);
  const replicaSets = informers.informer(resources.replicaSets);
  const statefulSets = informers.informer(resources.statefulSets);
  let version = 1;
  const follow = <T extends KubernetesObject>(
    informer: Informer<T>,
    selector: (object: T) => unknown,
  ): void => {
    informer.addHandler({
      add: () => version++,
      delete: () => version++,
      update(object, previous) {
        if (JSON.stringify(selector(object)) !== JSON.stringify(selector(previous))) version++;
      },
    });
  };
  follow(services, ({ spec }) => spec.selector);
  follow(replicationControllers, ({ spec }) => spec.selector);
  follow(replicaSets, ({ spec }) => spec.selector);
  follow(statefulSets, ({ spec }) => spec.selector);
  const ownerSelector = ({ namespace, owner }: PodShape): LabelSelectorObject | undefined => {
    if (owner === undefined) return undefined;
    if (owner.kind === 'ReplicationController' && owner.apiVersion === 'v1') {
      const matchLabels = replicationControllers.lister.get(namespace, owner.name)?.spec.selector;
      return matchLabels === undefined ? undefined : { matchLabels };
    }
    if (owner.apiVersion !== 'apps/v1') return undefined;
    if (owner.kind === 'ReplicaSet') return replicaSets.lister.get(namespace, owner.name)?.spec.selector;
    if (owner.kind === 'StatefulSet') return statefulSets.lister.get(namespace, owner.name)?.spec.selector;
    return undefined;
  };
  return {
    get version() {
      return version;
    },
    selectorOf(shape) {
      const matchLabels: Record<string, string> = {};
      for (const { spec } of services.lister.inNamespace(shape.namespace))
        if (spec.selector !== undefined && includes(shape.labels, spec.selector))
          Object.assign(matchLabels, spec.selector);
      const owner = ownerSelector(shape);
      Object.assign(matchLabels, owner?.matchLabels);
      const matchExpressions = owner?.matchExpressions ?? [];
      if (Object.keys(matchLabels).length + matchExpressions.length === 0) return undefined;
      return { matchLabels, matchExpressions };
    },
  };
}

/** A Service without a selector selects nothing. */
function includes(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>>,
): boolean {
  const entries = Object.entries(selector);
  return entries.length > 0 && entries.every(([key, value]) => labels[key] === value);
}
