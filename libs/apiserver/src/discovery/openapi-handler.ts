import type { PathHandler } from '../extension.js';
import type { ApiRequest, ApiResponse } from '../request.js';
import { demandJson } from './accept.js';
import { documentResponse, type DocumentCache } from './document-cache.js';

/** The OpenAPI documents, functions of the kinds served. */
export interface OpenApiDocuments {
  /** What `/openapi/v3/<path>` exists for: `api/v1`, `apis/apps/v1`, … */
  v3Paths(): readonly string[];
  /** OpenAPI 3.0; undefined for a path that is not among them. */
  v3(path: string): unknown;
  /** Swagger 2.0. */
  v2(): unknown;
}

const v3Prefix = '/openapi/v3';
const yearSeconds = 31_536_000;

/**
 * `/openapi/v3`: the index of documents with their hashes; `/openapi/v3/<path>?hash=`: one document, cacheable for ever under
 * its hash, redirected to it under another (KEP-2896); `/openapi/v2`: everything in one.
 */
export function openApiHandler(documents: OpenApiDocuments, cache: DocumentCache): PathHandler {
  const v3Document = (path: string) => cache.get(`v3 ${path}`, () => documents.v3(path));
  const urlOf = (path: string, hash: string): string => `${v3Prefix}/${path}?hash=${hash}`;
  const makeIndex = (): unknown => {
    const paths: Record<string, { serverRelativeURL: string }> = {};
    for (const path of documents.v3Paths()) {
      const document = v3Document(path);
      if (document !== undefined) paths[path] = { serverRelativeURL: urlOf(path, document.hash) };
    }
    return { paths };
  };
  const one = (request: ApiRequest, path: string): ApiResponse | undefined => {
    const document = v3Document(path);
    if (document === undefined) return undefined;
    const asked = request.query.get('hash') ?? '';
    if (asked !== '' && asked !== document.hash) {
      return {
        kind: 'unary',
        status: 301,
        headers: { location: urlOf(path, document.hash), 'content-length': '0' },
      };
    }
    const forEver = { 'cache-control': `public, max-age=${yearSeconds}, immutable` };
    return documentResponse(request, document, 'application/json', asked === '' ? {} : forEver);
  };
  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    const { path } = request;
    if (path !== '/openapi/v2' && path !== v3Prefix && !path.startsWith(`${v3Prefix}/`)) return undefined;
    demandJson(request.headers['accept']);
    if (path === '/openapi/v2') {
      const document = cache.get('v2', () => documents.v2());
      return document === undefined ? undefined : documentResponse(request, document, 'application/json');
    }
    const rest = path.slice(v3Prefix.length + 1);
    if (rest !== '') return one(request, rest);
    const index = cache.get('v3', makeIndex);
    return index === undefined ? undefined : documentResponse(request, index, 'application/json');
  };
}
