import {
  deepCopy,
  type PersistentVolumeClaim,
  type Pod,
  type PodTemplateSpec,
  type StatefulSet,
  type Volume,
} from '#libs/client';
import { revisionHashLabel } from '../core/controller-revisions.js';
import { podFromTemplate } from '../core/pods.js';

/** The ordinal of a pod of the set, undefined for a name that is none of its own. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const name = pod.metadata.name ?? '';
  const digits = name.slice(prefix.length);
  return name.startsWith(prefix) && /^\d+$/.test(digits) ? Number(digits) : undefined;
}

export function startOrdinal(set: StatefulSet): number {
  return set.spec.ordinals?.start ?? 0;
}

export function revisionNameOf(pod: Pod): string | undefined {
  return pod.metadata.labels?.[revisionHashLabel];
}

function claimName(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata.name}-${set.metadata.name}-${ordinal}`;
}

/** The pod of an ordinal: its name, host name, labels and claims stay the same however often it is made. */
export function podOf(set: StatefulSet, template: PodTemplateSpec, ordinal: number, revision: string): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const pod = podFromTemplate(template, set, { name });
  pod.metadata.labels = {
    ...pod.metadata.labels,
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
    [revisionHashLabel]: revision,
  };
  pod.spec.hostname = name;
  if (set.spec.serviceName !== undefined && set.spec.serviceName !== '')
    pod.spec.subdomain = set.spec.serviceName;
  const claims = set.spec.volumeClaimTemplates ?? [];
  if (claims.length > 0) {
    const volumes: Volume[] = claims.map((claim) => ({
      name: claim.metadata.name ?? '',
      persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) },
    }));
    const names = new Set(volumes.map((volume) => volume.name));
    pod.spec.volumes = [...volumes, ...(pod.spec.volumes ?? []).filter((volume) => !names.has(volume.name))];
  }
  return pod;
}

export function claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const claim = deepCopy(template);
    return {
      ...claim,
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        ...claim.metadata,
        name: claimName(set, template, ordinal),
        namespace: set.metadata.namespace ?? '',
        labels: { ...claim.metadata.labels, ...set.spec.selector.matchLabels },
      },
    };
  });
}
