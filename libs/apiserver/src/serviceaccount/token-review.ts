import { ApiError, badRequest, type KubernetesObject } from '#libs/apimachinery';
import type { ServiceAccountTokenAuthenticator } from './token-authenticator.js';

/**
 * Answers a create of a TokenReview (authentication.k8s.io/v1): whose token it is, and for which of the audiences asked
 * for. A token that is not valid is no error but `authenticated: false`. Throws ApiError 400 when the token is missing.
 */
export async function reviewToken(
  review: KubernetesObject,
  authenticator: ServiceAccountTokenAuthenticator,
): Promise<KubernetesObject> {
  const spec = (review['spec'] ?? {}) as { token?: string; audiences?: readonly string[] | null };
  if (spec.token === undefined || spec.token === '') {
    throw badRequest('token is required for TokenReview in authentication');
  }
  const wanted = spec.audiences ?? [];
  try {
    const { user, audiences } = await authenticator.authenticate(
      spec.token,
      wanted.length === 0 ? undefined : wanted,
    );
    const { username, uid, groups, extra } = user;
    return { ...review, status: { authenticated: true, user: { username, uid, groups, extra }, audiences } };
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 401) throw error;
    return {
      ...review,
      status: { user: {}, error: 'the token is not valid for the audiences that were asked for' },
    };
  }
}
