import type { KubernetesObject } from '#libs/apimachinery';

interface Named {
  readonly name?: string;
}

interface SecretOrConfigMapSource {
  readonly secret?: { readonly secretName?: string; readonly name?: string };
  readonly configMap?: Named;
}

interface Volume extends SecretOrConfigMapSource {
  readonly name: string;
  readonly projected?: { readonly sources?: readonly SecretOrConfigMapSource[] | null };
  readonly persistentVolumeClaim?: { readonly claimName?: string };
  readonly ephemeral?: object;
  readonly csi?: { readonly nodePublishSecretRef?: Named };
  readonly flexVolume?: { readonly secretRef?: Named };
  readonly cephfs?: { readonly secretRef?: Named };
  readonly rbd?: { readonly secretRef?: Named };
  readonly iscsi?: { readonly secretRef?: Named };
  readonly scaleIO?: { readonly secretRef?: Named };
  readonly storageos?: { readonly secretRef?: Named };
  readonly azureFile?: { readonly secretName?: string };
}

interface Container {
  readonly env?: readonly {
    readonly valueFrom?: { readonly secretKeyRef?: Named; readonly configMapKeyRef?: Named };
  }[];
  readonly envFrom?: readonly { readonly secretRef?: Named; readonly configMapRef?: Named }[];
}

interface PodSpec {
  readonly nodeName?: string;
  readonly serviceAccountName?: string;
  readonly imagePullSecrets?: readonly Named[];
  readonly volumes?: readonly Volume[];
  readonly resourceClaims?: readonly { readonly resourceClaimName?: string }[];
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
}

export interface PodReferences {
  readonly nodeName: string;
  /** `<resource>/<namespace>/<name>` of all that the pod's node must read for it. */
  readonly references: ReadonlySet<string>;
}

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** What a pod makes its node read; undefined while it has no node. Mirror pods refer to nothing. */
export function podReferences(pod: KubernetesObject): PodReferences | undefined {
  const spec = (pod['spec'] ?? {}) as PodSpec;
  const namespace = pod.metadata.namespace ?? '';
  if (spec.nodeName === undefined || spec.nodeName === '') return undefined;
  const references = new Set<string>();
  const add = (resource: string, name: string | undefined): void => {
    if (name !== undefined && name !== '') references.add(`${resource}/${namespace}/${name}`);
  };
  references.add(`pods/${namespace}/${pod.metadata.name ?? ''}`);
  if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined)
    return { nodeName: spec.nodeName, references };
  add('serviceaccounts', spec.serviceAccountName ?? 'default');
  for (const secret of spec.imagePullSecrets ?? []) add('secrets', secret.name);
  for (const claim of spec.resourceClaims ?? []) add('resourceclaims', claim.resourceClaimName);
  const status = pod['status'] as { resourceClaimStatuses?: { resourceClaimName?: string }[] } | undefined;
  for (const claim of status?.resourceClaimStatuses ?? []) add('resourceclaims', claim.resourceClaimName);
  for (const volume of spec.volumes ?? []) addVolume(pod, volume, add);
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec;
  for (const container of [...containers, ...initContainers, ...ephemeralContainers])
    addContainer(container, add);
  return { nodeName: spec.nodeName, references };
}

type Add = (resource: string, name: string | undefined) => void;

function addVolume(pod: KubernetesObject, volume: Volume, add: Add): void {
  for (const source of [volume, ...(volume.projected?.sources ?? [])]) {
    add('secrets', source.secret?.secretName ?? source.secret?.name);
    add('configmaps', source.configMap?.name);
  }
  add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
  if (volume.ephemeral !== undefined)
    add('persistentvolumeclaims', `${pod.metadata.name ?? ''}-${volume.name}`);
  add('secrets', volume.csi?.nodePublishSecretRef?.name);
  add('secrets', volume.azureFile?.secretName);
  for (const plugin of ['flexVolume', 'cephfs', 'rbd', 'iscsi', 'scaleIO', 'storageos'] as const) {
    add('secrets', volume[plugin]?.secretRef?.name);
  }
}

function addContainer(container: Container, add: Add): void {
  for (const { valueFrom } of container.env ?? []) {
    add('secrets', valueFrom?.secretKeyRef?.name);
    add('configmaps', valueFrom?.configMapKeyRef?.name);
  }
  for (const source of container.envFrom ?? []) {
    add('secrets', source.secretRef?.name);
    add('configmaps', source.configMapRef?.name);
  }
}
