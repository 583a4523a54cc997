import { badRequest, type KubernetesObject } from '#libs/apimachinery';
import type { RbacAuthorizer } from '../rbac/rbac-authorizer.js';
import type { UserInfo } from '../request.js';

/** SelfSubjectReview (authentication.k8s.io): who am I? */
export function reviewSelf(review: KubernetesObject, user: UserInfo, now: string): KubernetesObject {
  const { username, uid, groups, extra } = user;
  return {
    ...review,
    metadata: { ...review.metadata, creationTimestamp: now },
    status: {
      userInfo: {
        username,
        ...(uid === undefined ? {} : { uid }),
        groups,
        ...(extra === undefined ? {} : { extra }),
      },
    },
  };
}

/**
 * SelfSubjectRulesReview: what may I do in a namespace? Lists the rules that RBAC grants; `incomplete` says when another
 * authorizer (nodes) grants more. Throws ApiError 400 without a namespace.
 */
export function reviewSelfRules(
  review: KubernetesObject,
  user: UserInfo,
  rbac: RbacAuthorizer,
): KubernetesObject {
  const { namespace = '' } = (review['spec'] ?? {}) as { namespace?: string };
  if (namespace === '') throw badRequest('no namespace on request');
  const resourceRules: object[] = [];
  const nonResourceRules: object[] = [];
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  if (user.groups.includes('system:masters')) {
    resourceRules.push(everything);
    nonResourceRules.push({ verbs: ['*'], nonResourceURLs: ['*'] });
  }
  for (const rule of rbac.rulesFor(user, namespace)) {
    const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
    if ((resources ?? []).length > 0) {
      resourceRules.push({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames === undefined ? {} : { resourceNames }),
      });
    }
    if ((nonResourceURLs ?? []).length > 0) nonResourceRules.push({ verbs, nonResourceURLs });
  }
  const incomplete = user.groups.includes('system:nodes');
  return {
    ...review,
    status: {
      resourceRules,
      nonResourceRules,
      incomplete,
      ...(incomplete ? { evaluationError: 'node authorizer does not support user rule resolution' } : {}),
    },
  };
}
