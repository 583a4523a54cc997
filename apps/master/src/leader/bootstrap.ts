import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesObject, Scheme } from '#libs/apimachinery';
import { type BootstrapTarget, ensureBootstrapObjects } from '#libs/apiserver';
import { type Client, type ResourceRef, isAlreadyExists, isNotFound } from '#libs/client';

/** Binds the role of nodes to the agent that simulates them all under one certificate. */
const simulatedNodesBinding: KubernetesObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'trireme:simulated-nodes' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'trireme:node-agents' }],
};

export interface BootstrapOptions {
  readonly client: Client;
  readonly scheme: Scheme;
  /** Address of the `kubernetes` Service: the first of the Service range. */
  readonly serviceIp: string;
  /** Where the masters' API is reached from outside. */
  readonly endpoint: { readonly host: string; readonly port: number };
}

/** How often the kubernetes Service is looked after, as Kubernetes' own API server does. */
const keepEveryMs = 10_000;

/** What every cluster has from its first moment: namespaces, default roles, priority classes, the kubernetes Service. */
async function bootstrap(options: BootstrapOptions): Promise<void> {
  const target = bootstrapTarget(options);
  await ensureBootstrapObjects(target);
  await ensure(target, simulatedNodesBinding);
  await ensure(target, kubernetesService(options));
}

/** Bootstraps, then has the kubernetes Service back whenever somebody deletes it. Runs until the signal aborts. */
export async function keepBootstrapped(options: BootstrapOptions, signal: AbortSignal): Promise<void> {
  await bootstrap(options);
  while (!signal.aborted) {
    await delay(keepEveryMs, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await ensure(bootstrapTarget(options), kubernetesService(options));
  }
}

async function ensure(target: BootstrapTarget, object: KubernetesObject): Promise<void> {
  if ((await target.get(object)) === undefined) await target.create(structuredClone(object));
}

function kubernetesService({ serviceIp, endpoint }: BootstrapOptions): KubernetesObject {
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const port = { name: 'https', port: 443, protocol: 'TCP', targetPort: endpoint.port };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels },
    spec: {
      type: 'ClusterIP',
      clusterIP: serviceIp,
      clusterIPs: [serviceIp],
      sessionAffinity: 'None',
      ports: [port],
    },
  };
}

function bootstrapTarget({ client, scheme }: BootstrapOptions): BootstrapTarget {
  const resourceOf = (object: KubernetesObject): ReturnType<Client['resource']> => {
    const [first = '', second] = object.apiVersion.split('/');
    const gvk = second === undefined ? { group: '', version: first } : { group: first, version: second };
    const declaration = scheme.byKind({ ...gvk, kind: object.kind });
    if (declaration === undefined) throw new Error(`no resource for ${object.apiVersion} ${object.kind}`);
    const ref: ResourceRef = {
      group: declaration.group,
      version: declaration.version,
      resource: declaration.resource,
    };
    return client.resource(ref);
  };
  return {
    async get(object) {
      const { name = '', namespace } = object.metadata;
      try {
        return await resourceOf(object).get(name, namespace === undefined ? {} : { namespace });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async create(object) {
      try {
        await resourceOf(object).create(object);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    },
    async update(object) {
      await resourceOf(object).update(object);
    },
  };
}
