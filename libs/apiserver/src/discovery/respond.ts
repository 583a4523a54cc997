import type { UnaryResponse } from '../request.js';

const noCache = 'no-cache, private';

/** The transport says how long the body is: it may compress it. */
export function bytesResponse(
  status: number,
  bytes: Uint8Array,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): UnaryResponse {
  return {
    kind: 'unary',
    status,
    headers: {
      'content-type': contentType,
      'cache-control': noCache,
      ...headers,
    },
    chunks: [bytes],
  };
}

export function jsonResponse(status: number, value: unknown): UnaryResponse {
  return bytesResponse(status, Buffer.from(JSON.stringify(value)), 'application/json');
}

export function textResponse(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): UnaryResponse {
  return bytesResponse(status, Buffer.from(text), 'text/plain; charset=utf-8', {
    'x-content-type-options': 'nosniff',
    ...headers,
  });
}
