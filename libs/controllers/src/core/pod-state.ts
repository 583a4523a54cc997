import { parseTime, type Condition, type Pod } from '#libs/client';

export function isTerminating(object: { metadata: { deletionTimestamp?: string } }): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Ended, well or not: it never runs again. */
export function isPodFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Counts towards its owner's replicas. */
export function isPodActive(pod: Pod): boolean {
  return !isPodFinished(pod) && !isTerminating(pod);
}

export function podCondition(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** Ready for at least `minReadySeconds`. */
export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  return availableInMs(pod, minReadySeconds, nowMs) === 0;
}

/** Milliseconds until a ready pod counts as available; 0 when it does, undefined when it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds <= 0) return 0;
  const sinceMs = parseTime(ready.lastTransitionTime);
  if (Number.isNaN(sinceMs)) return undefined;
  return Math.max(0, sinceMs + minReadySeconds * 1_000 - nowMs);
}

/** The soonest that one of the ready pods becomes available, undefined when none is on the way. */
export function nextAvailableInMs(
  pods: readonly Pod[],
  minReadySeconds: number,
  nowMs: number,
): number | undefined {
  if (minReadySeconds <= 0) return undefined;
  let soonest: number | undefined;
  for (const pod of pods) {
    const inMs = availableInMs(pod, minReadySeconds, nowMs);
    if (inMs !== undefined && inMs > 0 && (soonest === undefined || inMs < soonest)) soonest = inMs;
  }
  return soonest;
}

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
export const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/**
 * Which of two pods to delete first (negative: `left`), as Kubernetes' ActivePodsWithRanks: unbound before bound,
 * pending before running, not ready before ready, cheaper before dearer, more crowded node first, ready for a
 * shorter time first, more restarts first, younger first. `rank` is the number of like pods on the pod's node.
 */
export function compareForDeletion(left: Pod, right: Pod, rank: (pod: Pod) => number): number {
  const bound = Number(isBound(left)) - Number(isBound(right));
  if (bound !== 0) return bound;
  const phase = phaseOf(left) - phaseOf(right);
  if (phase !== 0) return phase;
  const ready = Number(isPodReady(left)) - Number(isPodReady(right));
  if (ready !== 0) return ready;
  const cost = deletionCost(left) - deletionCost(right);
  if (cost !== 0) return cost;
  const crowd = rank(right) - rank(left);
  if (crowd !== 0) return crowd;
  const readySince = readySinceMs(right) - readySinceMs(left);
  if (readySince !== 0) return readySince;
  const restarts = restartsOf(right) - restartsOf(left);
  if (restarts !== 0) return restarts;
  return createdMs(right) - createdMs(left);
}

function isBound(pod: Pod): boolean {
  return pod.spec.nodeName !== undefined && pod.spec.nodeName !== '';
}
function phaseOf(pod: Pod): number {
  return phaseRank[pod.status?.phase ?? 'Pending'] ?? 2;
}
function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata.annotations?.[deletionCostAnnotation] ?? 0);
  return Number.isInteger(cost) ? cost : 0;
}
function readySinceMs(pod: Pod): number {
  if (!isPodReady(pod)) return 0;
  return parseTime(podCondition(pod, 'Ready')?.lastTransitionTime) || 0;
}
function restartsOf(pod: Pod): number {
  let most = 0;
  for (const status of pod.status?.containerStatuses ?? []) most = Math.max(most, status.restartCount);
  return most;
}
export function createdMs(object: { metadata: { creationTimestamp?: string } }): number {
  return parseTime(object.metadata.creationTimestamp) || 0;
}
