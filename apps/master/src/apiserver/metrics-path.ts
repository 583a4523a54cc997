import { ApiError } from '#libs/apimachinery';
import type { ApiResponse, PathHandler } from '#libs/apiserver';
import { componentNames, isComponent, type Telemetry } from '../telemetry/telemetry.js';

const encoder = new TextEncoder();

/**
 * `/metrics` on the API port: all components of this master in one answer, or `?component=` one of them alone, as
 * dashboards want it that take what this port tells for the API server's. The others have a port of their own beside it.
 */
export function metricsPath(telemetry: Telemetry): PathHandler {
  return (request) =>
    request.path === '/metrics' && request.method === 'GET'
      ? scrape(telemetry, request.query.get('component'))
      : undefined;
}

async function scrape(telemetry: Telemetry, component: string | null): Promise<ApiResponse> {
  if (component !== null && !isComponent(component)) {
    throw new ApiError(
      400,
      'BadRequest',
      `there is no component "${component}": ${componentNames.join(', ')}`,
    );
  }
  const { contentType, text } = await telemetry.exposition(component ?? undefined);
  return {
    kind: 'unary',
    status: 200,
    headers: { 'content-type': contentType },
    chunks: [encoder.encode(text)],
  };
}
