import { semanticEqual } from '#libs/apimachinery';
import type { Deployment, PodTemplateSpec, ReplicaSet } from '#libs/client';
import { scaledValue } from '../core/int-or-percent.js';
import { createdMs } from '../core/pod-state.js';

export const hashLabel = 'pod-template-hash';

export function replicasOf(object: Deployment | ReplicaSet): number {
  return object.spec.replicas ?? 1;
}

export function sumReplicas(sets: readonly (ReplicaSet | undefined)[]): number {
  return sets.reduce((sum, set) => sum + (set === undefined ? 0 : replicasOf(set)), 0);
}

export function sumStatus(
  sets: readonly (ReplicaSet | undefined)[],
  field: 'replicas' | 'readyReplicas' | 'availableReplicas' | 'terminatingReplicas',
): number {
  return sets.reduce((sum, set) => sum + (set?.status?.[field] ?? 0), 0);
}

/** Equal but for the hash label that the controller adds. */
export function sameTemplate(left: PodTemplateSpec, right: PodTemplateSpec): boolean {
  if (left === right) return true;
  return (
    semanticEqual(withoutHash(left.metadata?.labels), withoutHash(right.metadata?.labels)) &&
    semanticEqual(left.metadata?.annotations ?? {}, right.metadata?.annotations ?? {}) &&
    semanticEqual(left.spec, right.spec)
  );
}

function withoutHash(labels: Record<string, string> | undefined): Record<string, string> {
  const { [hashLabel]: _hash, ...rest } = labels ?? {};
  return rest;
}

/** Oldest first; equal ages by name, so that all replicas of a master decide alike. */
export function byAge(left: ReplicaSet, right: ReplicaSet): number {
  return (
    createdMs(left) - createdMs(right) || ((left.metadata.name ?? '') < (right.metadata.name ?? '') ? -1 : 1)
  );
}

/** The oldest set of the Deployment's present template. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets.toSorted(byAge).find((set) => sameTemplate(set.spec.template, deployment.spec.template));
}

export interface RollingLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Absolute limits: surge rounds up, unavailable down, and never both zero. Recreate has none. */
export function rollingLimits(deployment: Deployment): RollingLimits {
  if (deployment.spec.strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = replicasOf(deployment);
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, true);
  const unavailable = scaledValue(maxUnavailable, replicas, false);
  if (surge === 0 && unavailable === 0) return { maxSurge: 0, maxUnavailable: 1 };
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicas) };
}

/** Replicas that the new set may have now (Kubernetes' NewRSNewReplicas). */
export function newSetReplicas(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): number {
  const wanted = replicasOf(deployment);
  if (deployment.spec.strategy?.type === 'Recreate') return wanted;
  const current = newSet === undefined ? 0 : replicasOf(newSet);
  const room = wanted + rollingLimits(deployment).maxSurge - sumReplicas(sets);
  if (room <= 0) return current;
  return current + Math.min(room, wanted - current);
}

export function isSaturated(deployment: Deployment, set: ReplicaSet | undefined): boolean {
  if (set === undefined) return false;
  const wanted = replicasOf(deployment);
  const desired = Number(set.metadata.annotations?.['deployment.kubernetes.io/desired-replicas']);
  return replicasOf(set) === wanted && desired === wanted && (set.status?.availableReplicas ?? 0) === wanted;
}
