import type { PathHandler } from '../extension.js';
import type { TokenKeys } from './token-keys.js';

const maxAge = 'public, max-age=3600';

/**
 * OIDC discovery for those who verify service-account tokens themselves: `/.well-known/openid-configuration` and
 * `/openid/v1/jwks` (OpenID Connect Discovery 1.0; KEP-1393). `jwksUri` is `<issuer>/openid/v1/jwks` by default.
 */
export function openidHandler(issuer: string, keys: TokenKeys, jwksUri?: string): PathHandler {
  const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
  const configuration = encode({
    issuer,
    jwks_uri: jwksUri ?? `${issuer.replace(/\/$/, '')}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.jwks.keys.map((key) => key.alg))].sort(),
  });
  const jwks = encode(keys.jwks);
  const answer = (bytes: Uint8Array, contentType: string): ReturnType<PathHandler> => ({
    kind: 'unary',
    status: 200,
    headers: { 'content-type': contentType, 'cache-control': maxAge },
    chunks: [bytes],
  });
  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    if (request.path === '/.well-known/openid-configuration')
      return answer(configuration, 'application/json');
    if (request.path === '/openid/v1/jwks') return answer(jwks, 'application/jwk-set+json');
    return undefined;
  };
}
