import type { KubernetesObject } from '#libs/apimachinery';
import type { PolicyRule, Subject } from '../policy-rule.js';
import { clusterRoleBindings, roleBindings } from './bindings.js';
import { componentRoles } from './component-roles.js';
import { controllerRoles } from './controller-roles.js';
import { namespaceRoles } from './namespace-roles.js';
import { parseRule, type RoleTable } from './role-table.js';
import { userRoles } from './user-roles.js';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';
export const autoUpdateAnnotation = 'rbac.authorization.kubernetes.io/autoupdate';
const aggregateTo = (role: string): Record<string, string> => ({
  [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true',
});

/** `admin` contains `edit`, which contains `view`; each takes in whatever carries its label. */
const aggregated: readonly { name: string; labels: Record<string, string>; parts: readonly string[] }[] = [
  {
    name: 'admin',
    labels: {},
    parts: ['system:aggregate-to-admin', 'system:aggregate-to-edit', 'system:aggregate-to-view'],
  },
  {
    name: 'edit',
    labels: aggregateTo('admin'),
    parts: ['system:aggregate-to-edit', 'system:aggregate-to-view'],
  },
  { name: 'view', labels: aggregateTo('edit'), parts: ['system:aggregate-to-view'] },
];
const partLabels: Readonly<Record<string, Record<string, string>>> = {
  'system:aggregate-to-admin': aggregateTo('admin'),
  'system:aggregate-to-edit': aggregateTo('edit'),
  'system:aggregate-to-view': aggregateTo('view'),
};

function metadata(
  name: string,
  namespace?: string,
  labels: Record<string, string> = {},
): KubernetesObject['metadata'] {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    annotations: { [autoUpdateAnnotation]: 'true' },
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  };
}

const rulesOf = (table: RoleTable, name: string): readonly PolicyRule[] => (table[name] ?? []).map(parseRule);

function clusterRole(
  name: string,
  rules: readonly PolicyRule[],
  labels?: Record<string, string>,
): KubernetesObject {
  return { apiVersion, kind: 'ClusterRole', metadata: metadata(name, undefined, labels), rules };
}

function clusterRoleBinding(name: string, subjects: readonly Subject[]): KubernetesObject {
  const roleRef = { apiGroup, kind: 'ClusterRole', name };
  return { apiVersion, kind: 'ClusterRoleBinding', metadata: metadata(name), roleRef, subjects };
}

function clusterRoles(): KubernetesObject[] {
  return [
    ...Object.keys(userRoles).map((name) => clusterRole(name, rulesOf(userRoles, name), partLabels[name])),
    ...aggregated.map(({ name, labels, parts }) => ({
      ...clusterRole(
        name,
        parts.flatMap((part) => rulesOf(userRoles, part)),
        labels,
      ),
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] },
    })),
    ...Object.keys(componentRoles).map((name) => clusterRole(name, rulesOf(componentRoles, name))),
    ...Object.keys(controllerRoles).map((name) =>
      clusterRole(`system:controller:${name}`, rulesOf(controllerRoles, name)),
    ),
  ];
}

/**
 * Kubernetes' default roles and bindings: ClusterRoles first, then what refers to them. Aggregated roles carry the rules
 * that their selectors find among these, so that they serve before the aggregation controller runs.
 */
export function bootstrapPolicy(): readonly KubernetesObject[] {
  return [
    ...clusterRoles(),
    ...Object.entries(clusterRoleBindings).map(([name, subjects]) => clusterRoleBinding(name, subjects)),
    ...Object.keys(controllerRoles).map((name) =>
      clusterRoleBinding(`system:controller:${name}`, [
        { kind: 'ServiceAccount', name, namespace: 'kube-system' },
      ]),
    ),
    ...Object.keys(namespaceRoles).map((key) => {
      const [namespace = '', name = ''] = key.split('/');
      return {
        apiVersion,
        kind: 'Role',
        metadata: metadata(name, namespace),
        rules: rulesOf(namespaceRoles, key),
      };
    }),
    ...roleBindings.map(({ namespace, name, role, subjects }) => ({
      apiVersion,
      kind: 'RoleBinding',
      metadata: metadata(name, namespace),
      roleRef: { apiGroup, kind: 'Role', name: role },
      subjects,
    })),
  ];
}
