/**
 * Who asks and what they may do. `createSecurity` puts it all together; what it is made of is here for those who need one
 * part: client certificates, service-account tokens, impersonation, RBAC, nodes, reviews, the bootstrap policy.
 */
export { authorizerChain, fixedPolicy } from './chain.js';
export { mayAccessPath } from './path-access.js';
export { createSecurity, type Security, type SecurityOptions } from './security.js';
export { certificateUser, RequestAuthenticator } from '../authn/authenticator.js';
export { impersonate, type ImpersonationHeaders } from '../authn/impersonation.js';
export { bootstrapNamespaces, bootstrapObjects } from '../rbac/bootstrap/bootstrap-objects.js';
export { bootstrapPolicy } from '../rbac/bootstrap/bootstrap-policy.js';
export { ensureBootstrapObjects, type BootstrapTarget } from '../rbac/bootstrap/ensure-bootstrap.js';
export { checkRbacEscalation } from '../rbac/escalation.js';
export { checkNodeRestriction } from '../rbac/node-restriction.js';
export { NodeAuthorizer } from '../rbac/node-authorizer.js';
export { RbacAuthorizer } from '../rbac/rbac-authorizer.js';
export type { TokenKeyOptions } from '../serviceaccount/token-keys.js';
