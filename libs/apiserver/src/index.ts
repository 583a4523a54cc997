/**
 * apiserver: the Kubernetes API of one replica, over the Storage port.
 *
 * Contract: `createApiServer(...).handle(request)` takes a request past authentication and answers with stored bytes, an
 * object (for callers in this process) or a stream; it never rejects. Every write goes through one storage transaction that
 * demands the state it was computed from. Reads without resourceVersion pass the storage's barrier first.
 *
 * Loop of a request: resolve path → seat → authorize → decode and default → admit → prepare and validate → transaction.
 *
 *   const server = createApiServer({ storage, scheme: createScheme(), authorizer, admission: defaultAdmission({ … }) });
 *   registerApi(fastify, { handle: server.handle, authenticator });
 */
export * from './request.js';
export * from './authn.js';
export * from './authz.js';
export * from './clock.js';
export * from './extension.js';
export * from './server.js';
export type { EventStore } from './registry/event-store.js';
export { DecodedCache } from './registry/decoded-cache.js';
export { requestIdOf } from './handler/request-id.js';
export type { RequestInfo } from './handler/request-info.js';
export type { RequestDone, RequestKind, RequestMetrics } from './handler/metrics.js';
export type { FlowCounts, FlowLimits } from './handler/flow-control.js';
export type { SubresourceHandlers, VerbHandler } from './handler/dispatch.js';
export type { Exchange } from './handler/exchange.js';
export * from './admission/plugin.js';
export { namespaceLifecycle } from './admission/namespace-lifecycle.js';
export { defaultAdmission, type AdmissionOptions } from './admission/default-admission.js';
export { apiServerFactory, registerApi, type FrontOptions } from './http/register.js';
export { connectionsOf, drain } from './http/graceful-close.js';
export type { HttpOptions } from './http/serve.js';
export * from './authz/index.js';
export * from './discovery/index.js';
