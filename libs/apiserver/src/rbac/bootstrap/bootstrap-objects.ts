import type { KubernetesObject } from '#libs/apimachinery';
import { bootstrapPolicy } from './bootstrap-policy.js';

/** The namespaces that every cluster has. */
export const bootstrapNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

function priorityClass(name: string, value: number, description: string): KubernetesObject {
  return {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    globalDefault: false,
    description,
    preemptionPolicy: 'PreemptLowerPriority',
  };
}

/**
 * All that a cluster holds before its first user comes, in an order in which each can be created: namespaces, priority
 * classes, RBAC. (The `kubernetes` Service and its EndpointSlice depend on addresses: whoever knows those makes them.)
 */
export function bootstrapObjects(): readonly KubernetesObject[] {
  return [
    ...bootstrapNamespaces.map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    })),
    priorityClass(
      'system-node-critical',
      2_000_001_000,
      'Used for system critical pods that must not be moved from their current node.',
    ),
    priorityClass(
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
    ...bootstrapPolicy(),
  ];
}
