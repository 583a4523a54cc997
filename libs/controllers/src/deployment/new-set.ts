import { deepCopy, type Deployment, type ReplicaSet } from '#libs/client';
import { controllerReference } from '../core/owner.js';
import { annotationsFor, desiredReplicasAnnotation, maxReplicasAnnotation } from './annotations.js';
import { hashLabel, newSetReplicas, replicasOf, rollingLimits } from './replica-sets.js';

/** The ReplicaSet of the Deployment's present template, sized for where the rollout stands. */
export function newSetOf(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  hash: string,
  revision: number,
): ReplicaSet {
  const { name = '', namespace = '' } = deployment.metadata;
  const template = deepCopy(deployment.spec.template);
  template.metadata = { ...template.metadata, labels: { ...template.metadata?.labels, [hashLabel]: hash } };
  const selector = deepCopy(deployment.spec.selector);
  selector.matchLabels = { ...selector.matchLabels, [hashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...template.metadata.labels },
      annotations: { ...annotationsFor(deployment, {}, revision), ...sizeAnnotations(deployment) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: newSetReplicas(deployment, sets, undefined),
      minReadySeconds: deployment.spec.minReadySeconds ?? 0,
      selector,
      template,
    },
  };
}

/** What the Deployment wanted when it sized a set: the basis of proportional scaling. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const wanted = replicasOf(deployment);
  return {
    [desiredReplicasAnnotation]: String(wanted),
    [maxReplicasAnnotation]: String(wanted + rollingLimits(deployment).maxSurge),
  };
}
