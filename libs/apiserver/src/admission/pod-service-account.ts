import { forbidden, type KubernetesObject } from '#libs/apimachinery';
import type { AdmissionPlugin, AdmissionReader } from './plugin.js';

interface Container {
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
}

interface PodSpec {
  serviceAccountName?: string;
  serviceAccount?: string;
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: { name?: string }[];
  volumes?: { name: string; [source: string]: unknown }[];
  containers?: Container[];
  initContainers?: Container[];
}

interface ServiceAccount extends KubernetesObject {
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: { name?: string }[];
}

const tokenMountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const mirrorAnnotation = 'kubernetes.io/config.mirror';
/** Kubernetes' own odd number: the kubelet refreshes at 80 %, a little under an hour. */
const tokenSeconds = 3607;
const lookups = 10;
const lookupPauseMs = 50;
const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * Gives each new pod a service account that exists and, unless pod or account decline, a projected volume with its token,
 * the cluster's CA and the namespace, mounted into every container.
 */
export const podServiceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',

  handles: ({ operation, declaration, subresource }) =>
    operation === 'CREATE' &&
    declaration.resource === 'pods' &&
    declaration.group === '' &&
    subresource === '',

  admit({ object, namespace, name }, reader) {
    if (object === undefined || object.metadata.annotations?.[mirrorAnnotation] !== undefined)
      return undefined;
    const spec = (object['spec'] ??= {}) as PodSpec;
    const accountName = spec.serviceAccountName || spec.serviceAccount || 'default';
    spec.serviceAccountName = accountName;
    spec.serviceAccount = accountName;
    const account = reader.get('', 'serviceaccounts', namespace, accountName) as ServiceAccount | undefined;
    if (account !== undefined) return applyAccount(spec, account, reader);
    return lookUp(reader, namespace, accountName).then((found) => {
      if (found === undefined)
        throw forbidden(
          { group: '', resource: 'pods' },
          name,
          `error looking up service account ${namespace}/${accountName}: serviceaccount "${accountName}" not found`,
        );
      applyAccount(spec, found, reader);
    });
  },
};

/** A new namespace gets its default account a moment later: worth a short wait, as Kubernetes does. */
async function lookUp(
  reader: AdmissionReader,
  namespace: string,
  name: string,
): Promise<ServiceAccount | undefined> {
  await reader.refresh();
  const attempts = name === 'default' ? lookups : 1;
  for (let attempt = 1; ; attempt++) {
    const found = reader.get('', 'serviceaccounts', namespace, name) as ServiceAccount | undefined;
    if (found !== undefined || attempt >= attempts) return found;
    await reader.pause(lookupPauseMs);
  }
}

function applyAccount(spec: PodSpec, account: ServiceAccount, reader: AdmissionReader): void {
  const pullSecrets = account.imagePullSecrets ?? [];
  if ((spec.imagePullSecrets ?? []).length === 0 && pullSecrets.length > 0)
    spec.imagePullSecrets = pullSecrets.map((reference) => ({ ...reference }));
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)
    mountToken(spec, reader);
}

function mountToken(spec: PodSpec, reader: AdmissionReader): void {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const lacking = containers.filter(
    ({ volumeMounts = [] }) => !volumeMounts.some(({ mountPath }) => mountPath === tokenMountPath),
  );
  const volume = `kube-api-access-${suffix(reader)}`;
  if (lacking.length === 0) return;
  for (const container of lacking)
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: volume, readOnly: true, mountPath: tokenMountPath },
    ];
  spec.volumes = [...(spec.volumes ?? []), { name: volume, projected: tokenProjection() }];
}

function tokenProjection(): unknown {
  return {
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
    defaultMode: 0o644,
  };
}

function suffix(reader: AdmissionReader): string {
  let text = '';
  for (let at = 0; at < 5; at++)
    text += suffixLetters[Math.floor(reader.random() * suffixLetters.length)] ?? '';
  return text;
}
