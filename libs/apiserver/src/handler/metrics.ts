import type { ApiRequest, ApiResponse } from '../request.js';
import type { RequestInfo } from './request-info.js';

/** Which kind of request, in the labels of apiserver_request_duration_seconds. */
export interface RequestKind {
  /** As Kubernetes counts them: the method, or LIST, WATCH, DELETECOLLECTION, APPLY. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: '' | 'resource' | 'namespace' | 'cluster';
}

/** One answered request. Watches are reported when they open. */
export interface RequestDone extends RequestKind {
  readonly code: number;
  readonly seconds: number;
  readonly responseBytes: number;
  /** True for the controllers and the scheduler of this process. */
  readonly inProcess: boolean;
  /** The server ended it in self-defence: no seat was free, or the handling failed. */
  readonly terminated: boolean;
}

/** Hooks for the composition root, which owns the registries. They must not throw. */
export interface RequestMetrics {
  readonly onRequestDone?: (done: RequestDone) => void;
}

/** Field by field: it is made for every request, and a spread would be a slow copy. */
export function requestDone(
  info: RequestInfo | undefined,
  request: ApiRequest,
  response: ApiResponse,
  elapsedMs: number,
  terminated: boolean,
): RequestDone {
  let responseBytes = 0;
  if (response.kind === 'unary') for (const chunk of response.chunks ?? []) responseBytes += chunk.length;
  return {
    verb: metricVerb(info, request),
    group: info?.group ?? '',
    version: info?.version ?? '',
    resource: info?.resource ?? '',
    subresource: info?.subresource ?? '',
    scope: scopeOf(info),
    code: response.status,
    seconds: elapsedMs / 1000,
    responseBytes,
    inProcess: request.wantsObject,
    terminated,
  };
}

export function requestKind(info: RequestInfo | undefined, request: ApiRequest): RequestKind {
  return {
    verb: metricVerb(info, request),
    group: info?.group ?? '',
    version: info?.version ?? '',
    resource: info?.resource ?? '',
    subresource: info?.subresource ?? '',
    scope: scopeOf(info),
  };
}

/** Kubernetes' metrics tell lists, watches, collections and applies apart, and else name the method. */
function metricVerb(info: RequestInfo | undefined, { method, headers }: ApiRequest): string {
  if (info?.resourceRequest !== true) return method;
  if (info.verb === 'list' || info.verb === 'watch' || info.verb === 'deletecollection')
    return info.verb.toUpperCase();
  return method === 'PATCH' && headers['content-type']?.startsWith('application/apply-patch') === true
    ? 'APPLY'
    : method;
}

function scopeOf(info: RequestInfo | undefined): RequestKind['scope'] {
  if (info === undefined || !info.resourceRequest) return '';
  if (info.name !== '') return 'resource';
  return info.namespace === '' ? 'cluster' : 'namespace';
}
