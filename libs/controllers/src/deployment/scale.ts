import type { Deployment, ReplicaSet } from '#libs/client';
import { annotatedCount, desiredReplicasAnnotation, maxReplicasAnnotation } from './annotations.js';
import { byAge, isSaturated, replicasOf, rollingLimits, sumReplicas } from './replica-sets.js';

/** A size that a ReplicaSet should take. */
export interface Resize {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/** The Deployment's size was changed since its sets were last sized. */
export function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.some((set) => {
    if (replicasOf(set) === 0) return false;
    const desired = annotatedCount(set, desiredReplicasAnnotation);
    return desired !== undefined && desired !== replicasOf(deployment);
  });
}

/**
 * Sizes for a Deployment whose own size changed: one active set takes all; a saturated new set empties the old ones;
 * in the middle of a rollout the change is shared in proportion to the sets' sizes, largest first, so that a rollout
 * that got stuck does not get all the new pods.
 */
export function scaleSets(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): Resize[] {
  const wanted = replicasOf(deployment);
  const active = [...oldSets, ...(newSet === undefined ? [] : [newSet])].filter((set) => replicasOf(set) > 0);
  const single = active.length === 0 ? (newSet ?? oldSets.toSorted(byAge).at(-1)) : active[0];
  if (active.length <= 1) {
    return single === undefined || replicasOf(single) === wanted ? [] : [{ set: single, replicas: wanted }];
  }
  if (isSaturated(deployment, newSet)) {
    return oldSets.filter((set) => replicasOf(set) > 0).map((set) => ({ set, replicas: 0 }));
  }
  if (deployment.spec.strategy?.type === 'Recreate') return [];
  return proportional(deployment, active);
}

function proportional(deployment: Deployment, active: readonly ReplicaSet[]): Resize[] {
  const wanted = replicasOf(deployment);
  const allowed = wanted > 0 ? wanted + rollingLimits(deployment).maxSurge : 0;
  const toAdd = allowed - sumReplicas(active);
  const growing = toAdd > 0;
  // Largest first; among equals the newest first when growing, the oldest when shrinking.
  const ordered = active.toSorted(
    (left, right) =>
      replicasOf(right) - replicasOf(left) || (growing ? byAge(right, left) : byAge(left, right)),
  );
  let added = 0;
  const sizes = ordered.map((set) => {
    const share = toAdd === 0 ? 0 : proportionOf(set, deployment, toAdd, added);
    added += share;
    return { set, replicas: replicasOf(set) + share };
  });
  const [first] = sizes;
  if (first !== undefined) first.replicas = Math.max(0, first.replicas + toAdd - added);
  return sizes.map(({ set, replicas }) => ({ set, replicas: Math.max(0, replicas) }));
}

function proportionOf(set: ReplicaSet, deployment: Deployment, toAdd: number, added: number): number {
  if (replicasOf(set) === 0) return 0;
  const current = replicasOf(set);
  const before = annotatedCount(set, maxReplicasAnnotation) ?? deployment.status?.replicas ?? 0;
  const after = replicasOf(deployment) + rollingLimits(deployment).maxSurge;
  const fraction = before === 0 ? 0 : Math.round((current * after) / before) - current;
  const left = toAdd - added;
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}
