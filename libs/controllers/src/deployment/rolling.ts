import type { Deployment, ReplicaSet } from '#libs/client';
import { byAge, newSetReplicas, replicasOf, rollingLimits, sumReplicas, sumStatus } from './replica-sets.js';
import type { Resize } from './scale.js';

/** The next size of the new set, undefined where it has it. */
export function growNewSet(
  deployment: Deployment,
  newSet: ReplicaSet,
  sets: readonly ReplicaSet[],
): number | undefined {
  const wanted = replicasOf(deployment);
  const current = replicasOf(newSet);
  if (current === wanted) return undefined;
  const next = current > wanted ? wanted : newSetReplicas(deployment, sets, newSet);
  return next === current ? undefined : next;
}

/**
 * How far the old sets may shrink while at least `replicas - maxUnavailable` pods stay available: first the pods that
 * never became available (they serve nobody), then, oldest set first, those that the available new pods replace.
 */
export function shrinkOldSets(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): Resize[] {
  const oldPods = sumReplicas(oldSets);
  if (oldPods === 0) return [];
  const wanted = replicasOf(deployment);
  const minAvailable = wanted - rollingLimits(deployment).maxUnavailable;
  const newReplicas = newSet === undefined ? 0 : replicasOf(newSet);
  const newUnavailable = newReplicas - (newSet?.status?.availableReplicas ?? 0);
  const maxScaledDown = oldPods + newReplicas - minAvailable - newUnavailable;
  if (maxScaledDown <= 0) return [];

  const sizes = new Map(oldSets.map((set) => [set, replicasOf(set)]));
  const ordered = oldSets.toSorted(byAge);
  let cleaned = 0;
  for (const set of ordered) {
    const size = sizes.get(set) ?? 0;
    const unhealthy = size - Math.min(size, set.status?.availableReplicas ?? 0);
    const cut = Math.min(maxScaledDown - cleaned, unhealthy);
    if (cut <= 0) continue;
    sizes.set(set, size - cut);
    cleaned += cut;
  }
  const available = sumStatus([...oldSets, newSet], 'availableReplicas');
  let spare = available - minAvailable;
  for (const set of ordered) {
    if (spare <= 0) break;
    const size = sizes.get(set) ?? 0;
    const cut = Math.min(size, spare);
    sizes.set(set, size - cut);
    spare -= cut;
  }
  return ordered
    .map((set) => ({ set, replicas: sizes.get(set) ?? 0 }))
    .filter(({ set, replicas }) => replicas !== replicasOf(set));
}
