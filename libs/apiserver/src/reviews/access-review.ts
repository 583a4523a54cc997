import {
  badRequest,
  invalid,
  type ApiError,
  type FieldError,
  type KubernetesObject,
} from '#libs/apimachinery';
import type { AuthorizationAttributes, Authorizer } from '../authz.js';
import type { UserInfo } from '../request.js';

interface ResourceAttributes {
  readonly namespace?: string;
  readonly verb?: string;
  readonly group?: string;
  readonly version?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly name?: string;
}

interface AccessReviewSpec {
  readonly resourceAttributes?: ResourceAttributes | null;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string } | null;
  readonly user?: string;
  readonly uid?: string;
  readonly groups?: readonly string[] | null;
  readonly extra?: Readonly<Record<string, readonly string[]>> | null;
}

function invalidReview(kind: string, errors: readonly FieldError[]): ApiError {
  return invalid({ group: 'authorization.k8s.io', kind }, '', errors);
}

/** Exactly one of the two attribute blocks, and for reviews of others somebody to ask for. */
function checkSpec(kind: string, spec: AccessReviewSpec): void {
  const errors: FieldError[] = [];
  const add = (field: string, detail: string, value?: unknown): void =>
    void errors.push({ type: 'Invalid', field, detail, value });
  const hasResource = (spec.resourceAttributes ?? undefined) !== undefined;
  const hasPath = (spec.nonResourceAttributes ?? undefined) !== undefined;
  if (hasResource && hasPath)
    add('spec.nonResourceAttributes', 'cannot be specified in combination with resourceAttributes');
  if (!hasResource && !hasPath)
    add(
      'spec.resourceAttributes',
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
  if (!kind.startsWith('Self') && (spec.user ?? '') === '' && (spec.groups ?? []).length === 0) {
    add('spec.user', 'at least one of user or group must be specified', '');
  }
  if (errors.length > 0) throw invalidReview(kind, errors);
}

/** An empty value and `*` mean all; the authorizers know a wildcard as the name of what a rule grants. */
function attributesOf(user: UserInfo, spec: AccessReviewSpec): AuthorizationAttributes {
  const resource = spec.resourceAttributes ?? {};
  const path = spec.nonResourceAttributes ?? undefined;
  return {
    user,
    verb: (path === undefined ? resource.verb : path.verb) ?? '',
    resourceRequest: path === undefined,
    group: resource.group ?? '',
    version: resource.version ?? '',
    resource: resource.resource ?? '',
    subresource: resource.subresource ?? '',
    namespace: resource.namespace ?? '',
    name: resource.name ?? '',
    path: path?.path ?? '',
  };
}

async function answer(
  review: KubernetesObject,
  user: UserInfo,
  spec: AccessReviewSpec,
  authorizer: Authorizer,
): Promise<KubernetesObject> {
  const { decision, reason } = await authorizer.authorize(attributesOf(user, spec));
  const status = {
    allowed: decision === 'allow',
    ...(decision === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
  };
  return { ...review, status };
}

/** SelfSubjectAccessReview: may I? Throws ApiError 422 on a spec without, or with both, attribute blocks. */
export function reviewSelfAccess(
  review: KubernetesObject,
  user: UserInfo,
  authorizer: Authorizer,
): Promise<KubernetesObject> {
  const spec = (review['spec'] ?? {}) as AccessReviewSpec;
  checkSpec('SelfSubjectAccessReview', spec);
  return answer(review, user, spec, authorizer);
}

/**
 * SubjectAccessReview, and LocalSubjectAccessReview when `namespace` is that of the request: may he? Throws ApiError 422
 * on a bad spec, or 400 when a local review asks about another namespace.
 */
export function reviewAccess(
  review: KubernetesObject,
  authorizer: Authorizer,
  namespace = '',
): Promise<KubernetesObject> {
  const kind = namespace === '' ? 'SubjectAccessReview' : 'LocalSubjectAccessReview';
  const spec = (review['spec'] ?? {}) as AccessReviewSpec;
  checkSpec(kind, spec);
  if (namespace !== '') {
    if ((spec.resourceAttributes ?? undefined) === undefined) {
      throw invalidReview(kind, [
        {
          type: 'Invalid',
          field: 'spec.nonResourceAttributes',
          detail: 'disallowed on this kind of request',
        },
      ]);
    }
    if ((spec.resourceAttributes?.namespace ?? '') !== namespace) {
      throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
    }
  }
  const subject: UserInfo = {
    username: spec.user ?? '',
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    groups: spec.groups ?? [],
    ...(spec.extra === undefined || spec.extra === null ? {} : { extra: spec.extra }),
  };
  return answer(review, subject, spec, authorizer);
}
