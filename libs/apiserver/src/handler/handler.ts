import { pathNotFound } from '#libs/apimachinery';
import { impersonate } from '../authn/impersonation.js';
import type { PathHandler } from '../extension.js';
import type { Core } from '../registry/core.js';
import type { ApiHandler, ApiRequest, ApiResponse } from '../request.js';
import { authorize } from './authorize.js';
import { dispatch, type SubresourceHandlers } from './dispatch.js';
import { isMutating, type FlowControl } from './flow-control.js';
import { requestDone, type RequestMetrics } from './metrics.js';
import { errorReply } from './reply.js';
import { requestIdOf } from './request-id.js';
import { requestInfo, type RequestInfo } from './request-info.js';
import { isExpected, toApiError } from './storage-errors.js';

export interface HandlerParts {
  readonly core: Core;
  readonly paths: readonly PathHandler[];
  readonly subresources: SubresourceHandlers;
  readonly flow: FlowControl;
  readonly metrics: RequestMetrics;
}

/**
 * The pipeline of a request: resolve the path, take a seat, authorize, dispatch. Never rejects: whatever fails becomes
 * a Status.
 */
export function createHandler(parts: HandlerParts): ApiHandler {
  return async (received) => {
    const startedMs = performance.now();
    let request = received;
    let info: RequestInfo | undefined;
    let response: ApiResponse;
    let giveBack: (() => void) | undefined;
    let terminated = false;
    try {
      info = requestInfo(request.method, request.path, request.query);
      // Callers in this process are the control plane itself: they are bounded by their own work queues.
      if (!request.wantsObject) giveBack = parts.flow.take(isMutating(info.verb));
      if (!request.wantsObject && impersonates(request)) request = await impersonated(parts.core, request);
      const allowed = authorize(parts.core.authorizer, request.user, info);
      if (allowed !== undefined) await allowed;
      response = info.resourceRequest
        ? await dispatch(parts.core, parts.subresources, request, info)
        : await answerPath(parts.paths, request);
    } catch (error) {
      const isFault = !isExpected(error);
      if (isFault) parts.core.onFault(error, received);
      terminated = isFault || (info !== undefined && giveBack === undefined && !request.wantsObject);
      response = errorReply(toApiError(error), request.wantsObject);
      // What the log has it under.
      if (isFault)
        response = { ...response, headers: { ...response.headers, 'audit-id': requestIdOf(received) } };
    }
    giveBack?.();
    const elapsedMs = performance.now() - startedMs;
    parts.metrics.onRequestDone?.(requestDone(info, request, response, elapsedMs, terminated));
    return response;
  };
}

/** The same request by the user it asks to act as. Throws ApiError 403 when that is not granted. */
async function impersonated(core: Core, request: ApiRequest): Promise<ApiRequest> {
  const user = await impersonate(request.user, request.headers, core.authorizer);
  const { method, path, query, headers, body, wantsObject, remoteAddress, signal } = request;
  return { method, path, query, headers, body, user, wantsObject, remoteAddress, signal };
}

function impersonates({ headers }: ApiRequest): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}

async function answerPath(paths: readonly PathHandler[], request: ApiRequest): Promise<ApiResponse> {
  for (const handle of paths) {
    const answer = handle(request);
    if (answer !== undefined) return answer;
  }
  throw pathNotFound();
}
