import type { PolicyRule } from '../policy-rule.js';

/**
 * Roles by name; a rule is `verbs groups resources [names]` with commas between, `core` for the group without a name, or
 * `verbs paths <path>,<path>`. Facts of Kubernetes 1.36's bootstrap policy (documentation, "Using RBAC
 * Authorization", default roles).
 */
export type RoleTable = Readonly<Record<string, readonly string[]>>;

/** Throws on a line that is not of the form above. */
export function parseRule(line: string): PolicyRule {
  const [verbs, groups, resources, names, extra] = line.split(' ').map((part) => part.split(','));
  if (verbs === undefined || groups === undefined || resources === undefined || extra !== undefined) {
    throw new Error(`not a rule: ${line}`);
  }
  if (groups[0] === 'paths') return { verbs, nonResourceURLs: resources };
  return {
    apiGroups: groups.map((group) => (group === 'core' ? '' : group)),
    ...(names === undefined ? {} : { resourceNames: names }),
    resources,
    verbs,
  };
}
