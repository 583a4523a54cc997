import type { UserInfo } from './request.js';

/** What a request wants to do, as Kubernetes' authorizers see it. */
export interface AuthorizationAttributes {
  readonly user: UserInfo;
  /** get, list, watch, create, update, patch, delete, deletecollection, …; the lower-case method on other paths. */
  readonly verb: string;
  /** False for paths such as /version; then only `path` and `verb` count. */
  readonly resourceRequest: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Empty for cluster-wide requests. */
  readonly namespace: string;
  /** Empty where the request names none. */
  readonly name: string;
  readonly path: string;
}

export interface AuthorizationDecision {
  /** `noOpinion` refuses too, but lets a later authorizer of a chain decide. */
  readonly decision: 'allow' | 'deny' | 'noOpinion';
  readonly reason: string;
}

/** Says what may be done. Synchronous where it can be: RBAC rules are in local memory. */
export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): AuthorizationDecision | Promise<AuthorizationDecision>;
}
