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

/** What every cluster has from its first moment: namespaces, default roles, priority classes, the kubernetes Service. */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  const target = bootstrapTarget(options);
  await ensureBootstrapObjects(target);
  for (const object of [simulatedNodesBinding, ...kubernetesService(options)]) {
    if ((await target.get(object)) === undefined) await target.create(structuredClone(object));
  }
}

function kubernetesService({ serviceIp, endpoint }: BootstrapOptions): KubernetesObject[] {
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const metadata = { name: 'kubernetes', namespace: 'default', labels };
  const port = { name: 'https', port: 443, protocol: 'TCP', targetPort: endpoint.port };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'ClusterIP',
        clusterIP: serviceIp,
        clusterIPs: [serviceIp],
        sessionAffinity: 'None',
        ports: [port],
      },
    },
  ];
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
