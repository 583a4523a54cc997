import type { Storage } from '#libs/consensus';
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from '../authz.js';
import type { DecodedCache } from '../registry/decoded-cache.js';
import type { UserInfo } from '../request.js';
import type { PolicyRule, RoleRef } from './policy-rule.js';
import { RbacIndex, roleKeyOf } from './rbac-index.js';
import { RuleSet } from './rule-set.js';

/** What one user may do: cluster-wide, and beyond that in single namespaces. */
interface UserRules {
  readonly cluster: RuleSet;
  readonly namespaces: ReadonlyMap<string, RuleSet>;
  /** Roles that bindings name and nobody has made, by namespace of the binding. */
  readonly missing: readonly { readonly namespace: string; readonly roleRef: RoleRef }[];
}

/** Users whose compiled rules are kept; beyond it all are dropped and made again on demand. */
const usersMax = 4096;

/**
 * RBAC over the roles and bindings of this replica's store. What a user may do is compiled once and kept until a role
 * or binding changes; an answer is then a few map look-ups. Authenticators that return the same UserInfo for the same
 * credentials save the look-up by name, too. `system:masters` is the chain's business, see `authz/chain.ts`.
 */
export class RbacAuthorizer implements Authorizer {
  readonly #index: RbacIndex;
  #generation = -1;
  #byIdentity = new WeakMap<UserInfo, UserRules>();
  readonly #byName = new Map<string, UserRules>();

  constructor(storage: Storage, decoded: DecodedCache) {
    this.#index = new RbacIndex(storage, decoded);
  }

  close(): void {
    this.#index.close();
  }

  authorize(attributes: AuthorizationAttributes): AuthorizationDecision {
    const rules = this.#rulesOf(attributes.user);
    const reason = isAllowed(rules, attributes);
    return reason === undefined
      ? { decision: 'noOpinion', reason: missingReason(rules, attributes.namespace) }
      : { decision: 'allow', reason: `RBAC: allowed by ${reason}` };
  }

  /** Rules of the user in the namespace and cluster-wide, as SelfSubjectRulesReview lists them. */
  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    this.#index.settle();
    const rules: PolicyRule[] = [];
    for (const bound of this.#index.boundTo(user)) {
      if (bound.namespace !== '' && bound.namespace !== namespace) continue;
      rules.push(...(this.#index.rulesOf(bound.roleKey) ?? []));
    }
    return rules;
  }

  /** Rules of a role that a binding in `namespace` names; undefined when there is no such role. */
  rulesOfRole(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    this.#index.settle();
    return this.#index.rulesOf(roleKeyOf(roleRef, namespace));
  }

  #rulesOf(user: UserInfo): UserRules {
    const generation = this.#index.settle();
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#byIdentity = new WeakMap();
      this.#byName.clear();
    }
    let rules = this.#byIdentity.get(user);
    if (rules !== undefined) return rules;
    const name = JSON.stringify([user.username, user.groups]);
    rules = this.#byName.get(name);
    if (rules === undefined) {
      rules = this.#compile(user);
      if (this.#byName.size >= usersMax) this.#byName.clear();
      this.#byName.set(name, rules);
    }
    this.#byIdentity.set(user, rules);
    return rules;
  }

  #compile(user: UserInfo): UserRules {
    const cluster = new RuleSet();
    const namespaces = new Map<string, RuleSet>();
    const missing: { namespace: string; roleRef: RoleRef }[] = [];
    for (const bound of this.#index.boundTo(user)) {
      const rules = this.#index.rulesOf(bound.roleKey);
      if (rules === undefined) {
        missing.push({ namespace: bound.namespace, roleRef: bound.roleRef });
        continue;
      }
      let target = cluster;
      if (bound.namespace !== '') {
        target = namespaces.get(bound.namespace) ?? new RuleSet();
        namespaces.set(bound.namespace, target);
      }
      target.add(rules, bound.description);
    }
    return { cluster, namespaces, missing };
  }
}

function isAllowed(rules: UserRules, attributes: AuthorizationAttributes): string | undefined {
  const { verb, group, resource, subresource, name, namespace } = attributes;
  if (!attributes.resourceRequest) return rules.cluster.allowsPath(verb, attributes.path);
  return (
    rules.cluster.allowsResource(verb, group, resource, subresource, name) ??
    (namespace === ''
      ? undefined
      : rules.namespaces.get(namespace)?.allowsResource(verb, group, resource, subresource, name))
  );
}

function missingReason(rules: UserRules, namespace: string): string {
  const texts = rules.missing
    .filter((each) => each.namespace === '' || each.namespace === namespace)
    .map(
      (each) =>
        `${each.roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io "${each.roleRef.name}" not found`,
    );
  if (texts.length === 0) return '';
  return `RBAC: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`;
}
