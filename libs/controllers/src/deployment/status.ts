import { parseTime, type Condition, type Deployment, type ReplicaSet } from '#libs/client';
import { findCondition, withCondition, withoutCondition } from '../core/conditions.js';
import { replicasOf, rollingLimits, sumReplicas, sumStatus } from './replica-sets.js';

type Status = NonNullable<Deployment['status']>;

/** Reasons of the Progressing condition that kubectl's `rollout status` reads. */
export const reasons = {
  created: 'NewReplicaSetCreated',
  found: 'FoundNewReplicaSet',
  updated: 'ReplicaSetUpdated',
  available: 'NewReplicaSetAvailable',
  timedOut: 'ProgressDeadlineExceeded',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
  createFailed: 'ReplicaSetCreateError',
} as const;

/** Counts of all sets; conditions as they were, with Available brought up to date. */
export function countStatus(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  nowMs: number,
): Status {
  const available = sumStatus(sets, 'availableReplicas');
  const total = sumReplicas(sets);
  const counts = {
    replicas: sumStatus(sets, 'replicas'),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sumStatus(sets, 'readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, total - available),
    terminatingReplicas: sumStatus(sets, 'terminatingReplicas'),
  };
  const enough = available >= replicasOf(deployment) - rollingLimits(deployment).maxUnavailable;
  const conditions = withCondition(
    deployment.status?.conditions,
    enough
      ? {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
        }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    nowMs,
    { updateTime: true },
  );
  const collisionCount = deployment.status?.collisionCount;
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions,
  };
}

export function isComplete(deployment: Deployment, status: Status): boolean {
  const wanted = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function isProgressing(deployment: Deployment, next: Status): boolean {
  const previous = deployment.status ?? {};
  const oldOf = (status: Status): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (next.updatedReplicas ?? 0) > (previous.updatedReplicas ?? 0) ||
    oldOf(next) < oldOf(previous) ||
    (next.readyReplicas ?? 0) > (previous.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (previous.availableReplicas ?? 0)
  );
}

export interface Progress {
  readonly status: Status;
  /** When to look again whether the deadline has passed. */
  readonly requeueAfterMs?: number;
}

/** Adds the Progressing and ReplicaFailure conditions, and says when the deadline must be looked at again. */
export function withProgress(
  deployment: Deployment,
  counted: Status,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  nowMs: number,
): Progress {
  let conditions = counted.conditions ?? [];
  const deadlineSeconds = deployment.spec.progressDeadlineSeconds;
  const current = findCondition(deployment.status?.conditions, 'Progressing');
  let requeueAfterMs: number | undefined;
  if (deadlineSeconds !== undefined && deadlineSeconds < 2_147_483_647) {
    const wasComplete =
      (counted.replicas ?? 0) === (counted.updatedReplicas ?? 0) && current?.reason === reasons.available;
    if (!wasComplete) {
      const next = progressCondition(deployment, counted, newSet, current, deadlineSeconds, nowMs);
      if (next !== undefined) conditions = setProgressing(conditions, next, nowMs);
      requeueAfterMs = untilDeadlineMs(deployment, counted, conditions, deadlineSeconds, nowMs);
    }
  }
  const failure = sets
    .map((set) => findCondition(set.status?.conditions, 'ReplicaFailure'))
    .find((each) => each?.status === 'True');
  if (failure !== undefined) {
    const { type, status, reason = '', message = '' } = failure;
    conditions = withCondition(conditions, { type, status, reason, message }, nowMs, { updateTime: true });
  } else conditions = withoutCondition(conditions, 'ReplicaFailure');
  const status = { ...counted, conditions };
  return requeueAfterMs === undefined ? { status } : { status, requeueAfterMs };
}

function progressCondition(
  deployment: Deployment,
  counted: Status,
  newSet: ReplicaSet | undefined,
  current: Condition | undefined,
  deadlineSeconds: number,
  nowMs: number,
): Omit<Condition, 'lastTransitionTime'> | undefined {
  const type = 'Progressing';
  const what =
    newSet === undefined
      ? `Deployment "${deployment.metadata.name}"`
      : `ReplicaSet "${newSet.metadata.name}"`;
  if (isComplete(deployment, counted)) {
    return {
      type,
      status: 'True',
      reason: reasons.available,
      message: `${what} has successfully progressed.`,
    };
  }
  if (isProgressing(deployment, counted)) {
    return { type, status: 'True', reason: reasons.updated, message: `${what} is progressing.` };
  }
  if (hasTimedOut(deployment, current, deadlineSeconds, nowMs)) {
    return { type, status: 'False', reason: reasons.timedOut, message: `${what} has timed out progressing.` };
  }
  return undefined;
}

function hasTimedOut(
  deployment: Deployment,
  current: Condition | undefined,
  deadlineSeconds: number,
  nowMs: number,
): boolean {
  if (current === undefined || deployment.spec.paused === true) return false;
  if (current.reason === reasons.available) return false;
  if (current.reason === reasons.timedOut) return true;
  return parseTime(current.lastUpdateTime) + deadlineSeconds * 1_000 <= nowMs;
}

/** The update time moves with every step of progress, for the deadline counts from the last one. */
function setProgressing(
  conditions: readonly Condition[],
  next: Omit<Condition, 'lastTransitionTime'>,
  nowMs: number,
): Condition[] {
  const previous = findCondition(conditions, 'Progressing');
  const same = previous?.status === next.status && previous.reason === next.reason;
  if (same && next.reason !== reasons.updated) return [...conditions];
  const replaced = withCondition(withoutCondition(conditions, 'Progressing'), next, nowMs, {
    updateTime: true,
  });
  const kept = previous?.status === next.status ? previous.lastTransitionTime : undefined;
  if (kept === undefined) return replaced;
  return replaced.map((each) => (each.type === 'Progressing' ? { ...each, lastTransitionTime: kept } : each));
}

function untilDeadlineMs(
  deployment: Deployment,
  counted: Status,
  conditions: readonly Condition[],
  deadlineSeconds: number,
  nowMs: number,
): number | undefined {
  const progressing = findCondition(conditions, 'Progressing');
  if (progressing === undefined || isComplete(deployment, counted) || deployment.spec.paused === true)
    return undefined;
  if (progressing.reason === reasons.timedOut || progressing.reason === reasons.available) return undefined;
  return Math.max(1_000, parseTime(progressing.lastUpdateTime) + deadlineSeconds * 1_000 - nowMs);
}
