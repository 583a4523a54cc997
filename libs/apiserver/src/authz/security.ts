import type { Storage } from '#libs/consensus';
import type { AdmissionPlugin } from '../admission/plugin.js';
import type { Authenticator } from '../authn.js';
import { RequestAuthenticator } from '../authn/authenticator.js';
import { impersonate, type ImpersonationHeaders } from '../authn/impersonation.js';
import type { Authorizer } from '../authz.js';
import { systemClock, type Clock } from '../clock.js';
import type { PathHandler, VirtualCreate } from '../extension.js';
import type { SubresourceHandlers } from '../handler/dispatch.js';
import { checkRbacEscalation } from '../rbac/escalation.js';
import { NodeAuthorizer } from '../rbac/node-authorizer.js';
import { checkNodeRestriction } from '../rbac/node-restriction.js';
import { RbacAuthorizer } from '../rbac/rbac-authorizer.js';
import { DecodedCache } from '../registry/decoded-cache.js';
import type { UserInfo } from '../request.js';
import { reviewAccess, reviewSelfAccess } from '../reviews/access-review.js';
import { reviewSelf, reviewSelfRules } from '../reviews/self-review.js';
import { storageLookup, type ObjectLookup } from '../serviceaccount/object-lookup.js';
import { openidHandler } from '../serviceaccount/openid.js';
import { ServiceAccountTokenAuthenticator } from '../serviceaccount/token-authenticator.js';
import { loadTokenKeys, type TokenKeyOptions } from '../serviceaccount/token-keys.js';
import { tokenHandlers } from '../serviceaccount/token-handler.js';
import { issueToken } from '../serviceaccount/token-request.js';
import { reviewToken } from '../serviceaccount/token-review.js';
import { authorizerChain, fixedPolicy } from './chain.js';

export interface SecurityOptions {
  readonly storage: Storage;
  /** The API server's own, so that nothing is decoded twice. */
  readonly decoded?: DecodedCache;
  readonly clock?: Clock;
  readonly serviceAccountKeys: TokenKeyOptions;
  /** `iss` of tokens, `https://kubernetes.default.svc.cluster.local` by default. */
  readonly issuer?: string;
  /** Names of this API server in `aud`; the issuer by default. */
  readonly audiences?: readonly string[];
}

/** Everything by which one replica knows who asks and what they may do. */
export interface Security {
  readonly authenticator: Authenticator;
  /** system:masters and open paths, then nodes, then RBAC. */
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  /** Between authentication and authorization; see `authn/impersonation.ts`. */
  readonly impersonate: (user: UserInfo, headers: ImpersonationHeaders) => Promise<UserInfo>;
  /** Creates of reviews, by `group/resource`. */
  readonly virtual: ReadonlyMap<string, VirtualCreate>;
  /** `serviceaccounts/token`, for the API server's option of the same name. */
  readonly subresources: SubresourceHandlers;
  readonly admission: readonly AdmissionPlugin[];
  /** OIDC discovery. */
  readonly paths: readonly PathHandler[];
  close(): void;
}

/**
 * Puts authentication, authorization, reviews and tokens together over one replica's store. Rejects when the
 * service-account keys cannot be read.
 */
export async function createSecurity(options: SecurityOptions): Promise<Security> {
  const { storage, clock = systemClock, decoded = new DecodedCache() } = options;
  const issuer = options.issuer ?? 'https://kubernetes.default.svc.cluster.local';
  const audiences = options.audiences ?? [issuer];
  const keys = await loadTokenKeys(options.serviceAccountKeys);
  const lookup = storageLookup(storage, decoded);
  const tokens = new ServiceAccountTokenAuthenticator({ keys, issuers: [issuer], audiences, lookup, clock });
  const rbac = new RbacAuthorizer(storage, decoded);
  const nodes = new NodeAuthorizer(storage, decoded);
  const authorizer = authorizerChain([fixedPolicy, nodes, rbac]);
  return {
    authenticator: new RequestAuthenticator(tokens),
    authorizer,
    rbac,
    impersonate: (user, headers) => impersonate(user, headers, authorizer),
    virtual: reviews(authorizer, rbac, tokens),
    subresources: new Map([
      [
        '/serviceaccounts/token',
        tokenHandlers((request, serviceAccount) =>
          issueToken(request, serviceAccount, { keys, issuer, audiences, lookup, clock }),
        ),
      ],
    ]),
    admission: [nodeRestriction(lookup), rbacEscalation(rbac, authorizer)],
    paths: [openidHandler(issuer, keys)],
    close() {
      rbac.close();
      nodes.close();
    },
  };
}

function reviews(
  authorizer: Authorizer,
  rbac: RbacAuthorizer,
  tokens: ServiceAccountTokenAuthenticator,
): ReadonlyMap<string, VirtualCreate> {
  const authorization = 'authorization.k8s.io';
  return new Map<string, VirtualCreate>([
    [
      `${authorization}/selfsubjectaccessreviews`,
      (review, { request }) => reviewSelfAccess(review, request.user, authorizer),
    ],
    [`${authorization}/subjectaccessreviews`, (review) => reviewAccess(review, authorizer)],
    [
      `${authorization}/localsubjectaccessreviews`,
      (review, { info }) => reviewAccess(review, authorizer, info.namespace),
    ],
    [
      `${authorization}/selfsubjectrulesreviews`,
      (review, { request }) => reviewSelfRules(review, request.user, rbac),
    ],
    ['authentication.k8s.io/tokenreviews', (review) => reviewToken(review, tokens)],
    [
      'authentication.k8s.io/selfsubjectreviews',
      (review, { request, now }) => reviewSelf(review, request.user, now),
    ],
  ]);
}

function nodeRestriction(lookup: ObjectLookup): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    handles: ({ user, operation }) => operation !== 'CONNECT' && user.groups.includes('system:nodes'),
    validate({ user, operation, declaration, subresource, namespace, name, object, oldObject }) {
      if (operation === 'CONNECT') return;
      checkNodeRestriction(
        {
          user,
          operation,
          group: declaration.group,
          resource: declaration.resource,
          subresource,
          namespace,
          name,
          object,
          previous: oldObject,
        },
        lookup,
      );
    },
  };
}

function rbacEscalation(rbac: RbacAuthorizer, authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    handles: ({ operation, declaration, subresource }) =>
      declaration.group === 'rbac.authorization.k8s.io' &&
      subresource === '' &&
      (operation === 'CREATE' || operation === 'UPDATE'),
    async validate({ user, declaration, object, oldObject }) {
      if (object === undefined) return;
      await checkRbacEscalation(
        { user, resource: declaration.resource, object, previous: oldObject },
        { rbac, authorizer },
      );
    },
  };
}
