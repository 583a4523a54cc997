import { AsyncLocalStorage } from 'node:async_hooks';
import { type ApiHandler, requestIdOf } from '#libs/apiserver';
import type { Logger, Tracing } from '#libs/telemetry';

interface RequestContext {
  readonly requestId: string;
  readonly tracing: Tracing | undefined;
}
const current = new AsyncLocalStorage<RequestContext>();

/** Of the request that is being worked on, for log lines; undefined outside of one, or where requests are not followed. */
export function requestIds(): object | undefined {
  const context = current.getStore();
  return context && { requestId: context.requestId, ...context.tracing?.ids() };
}

/**
 * The same handler, whose requests are traced and, at the log level debug, logged. Where neither is wanted it is the given
 * one: following every request through its awaits is not free.
 */
export function followed(handle: ApiHandler, tracing: Tracing | undefined, logger: Logger): ApiHandler {
  if (tracing === undefined && !logger.isLevelEnabled('debug')) return handle;
  return async (request) => {
    const requestId = requestIdOf(request);
    const startedMs = performance.now();
    const work: ApiHandler = async () => {
      const response = await current.run({ requestId, tracing }, async () => handle(request));
      const { method, path, user } = request;
      const ms = Math.round((performance.now() - startedMs) * 1_000) / 1_000;
      const ids = { requestId, ...tracing?.ids() };
      logger.debug({ ...ids, method, path, user: user.username, status: response.status, ms }, 'request');
      return response;
    };
    if (tracing === undefined) return work(request);
    const { method, path, headers } = request;
    const traceparent = headers['traceparent'];
    return tracing.request(
      { method, path, traceparent },
      async () => work(request),
      ({ status }) => status,
    );
  };
}
