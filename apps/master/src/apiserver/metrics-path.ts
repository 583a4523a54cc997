import type { ApiResponse, PathHandler } from '#libs/apiserver';
import type { Telemetry } from '../telemetry/telemetry.js';

const encoder = new TextEncoder();

/** `/metrics` on the API port: all components of this master in one answer. Each has a port of its own beside it. */
export function metricsPath(telemetry: Telemetry): PathHandler {
  return (request) =>
    request.path === '/metrics' && request.method === 'GET' ? scrape(telemetry) : undefined;
}

async function scrape(telemetry: Telemetry): Promise<ApiResponse> {
  const { contentType, text } = await telemetry.exposition();
  return {
    kind: 'unary',
    status: 200,
    headers: { 'content-type': contentType },
    chunks: [encoder.encode(text)],
  };
}
