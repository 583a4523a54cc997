import { randomUUID } from 'node:crypto';
import type { ApiRequest } from '../request.js';

const ids = new WeakMap<ApiRequest, string>();

/**
 * Names a request in log lines and in the answer to one that failed: the caller's own `Audit-ID`, else one made at the
 * first call. Requests that nobody asks about have none.
 */
export function requestIdOf(request: ApiRequest): string {
  const known = ids.get(request);
  if (known !== undefined) return known;
  const given = request.headers['audit-id'];
  const id = given !== undefined && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
  ids.set(request, id);
  return id;
}
