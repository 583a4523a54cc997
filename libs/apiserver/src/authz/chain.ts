import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from '../authz.js';

/** The only paths that somebody without credentials may ask for; checks below the health endpoints included. */
const openPath = /^\/(livez|readyz|healthz)(\/|$)|^\/version\/?$/;

/**
 * What no role or binding can change. `system:masters` may do everything, so that a broken policy can be mended;
 * anonymous requests reach health and version alone, so that no binding to system:unauthenticated opens more.
 */
export const fixedPolicy: Authorizer = {
  authorize({ user, resourceRequest, verb, path }: AuthorizationAttributes): AuthorizationDecision {
    if (user.groups.includes('system:masters')) {
      return { decision: 'allow', reason: 'group system:masters is always allowed' };
    }
    const open = !resourceRequest && (verb === 'get' || verb === 'head') && openPath.test(path);
    if (open) return { decision: 'allow', reason: 'open to everybody' };
    if (user.groups.includes('system:unauthenticated')) {
      return {
        decision: 'deny',
        reason: 'anonymous requests reach /livez, /readyz, /healthz and /version only',
      };
    }
    return { decision: 'noOpinion', reason: '' };
  },
};

/** Asks in order; the first that allows or denies decides, and reasons of those without opinion are kept for the refusal. */
export function authorizerChain(authorizers: readonly Authorizer[]): Authorizer {
  const from = (
    start: number,
    attributes: AuthorizationAttributes,
    reasons: readonly string[],
  ): AuthorizationDecision | Promise<AuthorizationDecision> => {
    let collected = reasons;
    for (let index = start; index < authorizers.length; index++) {
      const answer = authorizers[index]!.authorize(attributes);
      if (answer instanceof Promise) {
        return answer.then((decision) =>
          decision.decision === 'noOpinion'
            ? from(index + 1, attributes, withReason(collected, decision.reason))
            : decision,
        );
      }
      if (answer.decision !== 'noOpinion') return answer;
      collected = withReason(collected, answer.reason);
    }
    return { decision: 'noOpinion', reason: collected.join('; ') };
  };
  return { authorize: (attributes) => from(0, attributes, []) };
}

function withReason(reasons: readonly string[], reason: string): readonly string[] {
  return reason === '' ? reasons : [...reasons, reason];
}
