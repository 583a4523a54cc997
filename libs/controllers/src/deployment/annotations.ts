import type { Deployment, ReplicaSet } from '#libs/client';

/** Annotations that kubectl's `rollout` commands read. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Not copied from a Deployment to its ReplicaSets. */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
]);

export function revisionOf(object: Deployment | ReplicaSet): number {
  const revision = Number(object.metadata.annotations?.[revisionAnnotation] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** `Number(annotation)`, undefined where it is absent or no count. */
export function annotatedCount(set: ReplicaSet, name: string): number | undefined {
  const text = set.metadata.annotations?.[name];
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** Annotations of a new ReplicaSet, or of one that becomes the new one again. */
export function annotationsFor(
  deployment: Deployment,
  existing: Readonly<Record<string, string>>,
  revision: number,
): Record<string, string> {
  const annotations: Record<string, string> = { ...existing };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!ownAnnotations.has(key)) annotations[key] = value;
  }
  const previous = existing[revisionAnnotation];
  if (previous !== undefined && Number(previous) >= revision) return annotations;
  annotations[revisionAnnotation] = String(revision);
  if (previous !== undefined) {
    const history = existing[revisionHistoryAnnotation];
    annotations[revisionHistoryAnnotation] =
      history === undefined || history === '' ? previous : appendHistory(history, previous);
  }
  return annotations;
}

function appendHistory(history: string, revision: string): string {
  let revisions = [...history.split(','), revision];
  // Bounded as in Kubernetes: 2000 characters of history.
  while (revisions.join(',').length > 2_000) revisions = revisions.slice(1);
  return revisions.join(',');
}
