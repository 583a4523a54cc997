import { forbidden, notFound, type KubernetesObject } from '#libs/apimachinery';
import type { Authorizer } from '../authz.js';
import type { UserInfo } from '../request.js';
import { describeRule, type PolicyRule, type RoleRef } from './policy-rule.js';
import type { RbacAuthorizer } from './rbac-authorizer.js';
import { RuleSet } from './rule-set.js';

const group = 'rbac.authorization.k8s.io';

export interface EscalationCheck {
  readonly user: UserInfo;
  /** roles, clusterroles, rolebindings or clusterrolebindings. */
  readonly resource: string;
  readonly object: KubernetesObject;
  /** What is replaced, undefined on create. */
  readonly previous: KubernetesObject | undefined;
}

export interface EscalationContext {
  readonly rbac: RbacAuthorizer;
  /** The whole chain, asked for the verbs `escalate` and `bind`. */
  readonly authorizer: Authorizer;
}

/** The part of `wanted` that `held` does not contain, one rule for each group and resource. */
export function uncoveredRules(
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): readonly PolicyRule[] {
  const owner = new RuleSet();
  owner.add(held, 'held');
  const missing = new Map<string, { rule: PolicyRule; verbs: string[] }>();
  const miss = (rule: PolicyRule, verb: string): void => {
    const key = describeRule({ ...rule, verbs: [] });
    const entry = missing.get(key) ?? { rule, verbs: [] };
    missing.set(key, entry);
    if (!entry.verbs.includes(verb)) entry.verbs.push(verb);
  };
  for (const rule of wanted) {
    for (const verb of rule.verbs) {
      for (const part of partsOf(rule)) if (!isHeld(owner, part, verb)) miss(part, verb);
    }
  }
  return [...missing.values()].map(({ rule, verbs }) => ({ ...rule, verbs }));
}

/** The rule in pieces of one group, resource and name, or of one path. */
function* partsOf(rule: PolicyRule): Iterable<PolicyRule> {
  for (const url of rule.nonResourceURLs ?? []) yield { verbs: [], nonResourceURLs: [url] };
  for (const apiGroup of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      const part = { verbs: [], apiGroups: [apiGroup], resources: [resource] };
      if ((rule.resourceNames ?? []).length === 0) yield part;
      for (const name of rule.resourceNames ?? []) yield { ...part, resourceNames: [name] };
    }
  }
}

function isHeld(owner: RuleSet, part: PolicyRule, verb: string): boolean {
  const url = part.nonResourceURLs?.[0];
  if (url !== undefined) return owner.allowsPath(verb, url) !== undefined;
  const [resource = '', subresource = ''] = (part.resources?.[0] ?? '').split('/', 2);
  const name = part.resourceNames?.[0] ?? '';
  return owner.allowsResource(verb, part.apiGroups?.[0] ?? '', resource, subresource, name) !== undefined;
}

async function may(
  context: EscalationContext,
  user: UserInfo,
  verb: 'escalate' | 'bind',
  resource: string,
  namespace: string,
  name: string,
): Promise<boolean> {
  const { decision } = await context.authorizer.authorize({
    user,
    verb,
    resourceRequest: true,
    group,
    version: 'v1',
    resource,
    subresource: '',
    namespace,
    name,
    path: '',
  });
  return decision === 'allow';
}

/**
 * Nobody gives away more than he has: a role may carry only rules that its writer holds, unless he may `escalate`; a
 * binding may name only roles whose rules its writer holds, unless he may `bind` them. To be called on create and update
 * of the four RBAC resources after the usual authorization.
 * Throws ApiError 403 naming the rules that are missing, or 404 when a binding's role does not exist and may not be bound.
 * Source: Kubernetes documentation, "Privilege escalation prevention and bootstrapping".
 */
export async function checkRbacEscalation(check: EscalationCheck, context: EscalationContext): Promise<void> {
  if (check.user.groups.includes('system:masters')) return;
  if (check.resource === 'roles' || check.resource === 'clusterroles') await checkRole(check, context);
  else if (check.resource.endsWith('bindings')) await checkBinding(check, context);
}

const rulesIn = (object: KubernetesObject | undefined): readonly PolicyRule[] =>
  (object?.['rules'] as readonly PolicyRule[] | null | undefined) ?? [];

async function checkRole(check: EscalationCheck, context: EscalationContext): Promise<void> {
  const { user, resource, object, previous } = check;
  const same = (field: string): boolean =>
    JSON.stringify(object[field]) === JSON.stringify(previous?.[field]);
  if (previous !== undefined && same('rules') && same('aggregationRule')) return;
  const namespace = object.metadata.namespace ?? '';
  const name = object.metadata.name ?? '';
  if (await may(context, user, 'escalate', resource, namespace, name)) return;
  // Who decides what is aggregated decides over rules that nobody knows yet.
  const everything: readonly PolicyRule[] = [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ];
  const aggregates = object['aggregationRule'] !== undefined && object['aggregationRule'] !== null;
  const wanted = aggregates && !same('aggregationRule') ? everything : rulesIn(object);
  refuseUnlessHeld(user, resource, name, context.rbac.rulesFor(user, namespace), wanted);
}

async function checkBinding(check: EscalationCheck, context: EscalationContext): Promise<void> {
  const { user, resource, object, previous } = check;
  const same = (field: string): boolean =>
    JSON.stringify(object[field]) === JSON.stringify(previous?.[field]);
  if (previous !== undefined && same('roleRef') && same('subjects')) return;
  const namespace = object.metadata.namespace ?? '';
  const roleRef = object['roleRef'] as RoleRef;
  const roleResource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (await may(context, user, 'bind', roleResource, namespace, roleRef.name)) return;
  const wanted = context.rbac.rulesOfRole(roleRef, namespace);
  if (wanted === undefined) {
    throw notFound({ group, resource: roleResource }, roleRef.name);
  }
  refuseUnlessHeld(
    user,
    resource,
    object.metadata.name ?? '',
    context.rbac.rulesFor(user, namespace),
    wanted,
  );
}

function refuseUnlessHeld(
  user: UserInfo,
  resource: string,
  name: string,
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): void {
  const missing = uncoveredRules(held, wanted);
  if (missing.length === 0) return;
  const groups = user.groups.map((each) => JSON.stringify(each)).join(' ');
  throw forbidden(
    { group, resource },
    name,
    `user ${JSON.stringify(user.username)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.map(describeRule).join('\n')}`,
  );
}
