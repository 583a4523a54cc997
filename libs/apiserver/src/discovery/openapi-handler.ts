import { setImmediate as nextTurn } from 'node:timers/promises';
import { encodeOpenApiV2, type OpenApiDocuments } from '#libs/apimachinery';
import type { PathHandler } from '../extension.js';
import type { ApiRequest, ApiResponse } from '../request.js';
import { demandJson, openApiV2Form, openApiV2Protobuf } from './accept.js';
import { documentResponse, encodeDocument, type Document, type DocumentCache } from './document-cache.js';

const v3Prefix = '/openapi/v3';
const yearSeconds = 31_536_000;

/**
 * `/openapi/v3`: the index of documents with their hashes; `/openapi/v3/<path>?hash=`: one document, cacheable for ever under
 * its hash, redirected to it under another (KEP-2896); `/openapi/v2`: everything in one, also in protobuf,
 * which is all that client-go takes of it.
 */
export function openApiHandler(documents: OpenApiDocuments, cache: DocumentCache): PathHandler {
  const v3Document = (path: string) => cache.get(`v3 ${path}`, () => documents.v3(path));
  const index = v3Index(documents, cache);
  const one = (request: ApiRequest, path: string): ApiResponse | undefined => {
    const document = v3Document(path);
    if (document === undefined) return undefined;
    const asked = request.query.get('hash') ?? '';
    if (asked !== '' && asked !== document.hash) {
      return {
        kind: 'unary',
        status: 301,
        headers: { location: urlOf(path, document.hash) },
      };
    }
    const forEver = { 'cache-control': `public, max-age=${yearSeconds}, immutable` };
    return documentResponse(request, document, 'application/json', asked === '' ? {} : forEver);
  };
  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    const { path } = request;
    if (path !== '/openapi/v2' && path !== v3Prefix && !path.startsWith(`${v3Prefix}/`)) return undefined;
    if (path === '/openapi/v2') return v2Document(request, documents, cache);
    demandJson(request.headers['accept']);
    const rest = path.slice(v3Prefix.length + 1);
    if (rest !== '') return one(request, rest);
    return index().then((document) => documentResponse(request, document, 'application/json'));
  };
}

function v2Document(
  request: ApiRequest,
  documents: OpenApiDocuments,
  cache: DocumentCache,
): ApiResponse | undefined {
  const isProtobuf = openApiV2Form(request.headers['accept']) === 'protobuf';
  const document = isProtobuf
    ? cache.get('v2 protobuf', () => encodeOpenApiV2(documents.v2()))
    : cache.get('v2', () => documents.v2());
  if (document === undefined) return undefined;
  return documentResponse(request, document, isProtobuf ? openApiV2Protobuf : 'application/json');
}

const urlOf = (path: string, hash: string): string => `${v3Prefix}/${path}?hash=${hash}`;

/**
 * The index names the hash of every document, so all must be made: one a turn of the event loop, and none is kept, since most
 * are never asked for. Those who ask meanwhile wait for the same.
 */
function v3Index(documents: OpenApiDocuments, cache: DocumentCache): () => Promise<Document> {
  let making: { readonly of: unknown; readonly index: Promise<Document> } | undefined;
  const make = async (): Promise<Document> => {
    const of = cache.identity();
    const paths: Record<string, { serverRelativeURL: string }> = {};
    for (const path of documents.v3Paths()) {
      await nextTurn();
      const document = cache.peek(`v3 ${path}`) ?? encodeDocument(documents.v3(path) ?? {});
      paths[path] = { serverRelativeURL: urlOf(path, document.hash) };
      // Kinds came or went: what was hashed so far may be of before.
      if (cache.identity() !== of) return make();
    }
    return encodeDocument({ paths });
  };
  return () => {
    const of = cache.identity();
    if (making !== undefined && making.of === of) return making.index;
    const index = make();
    making = { of, index };
    // A failure is answered to those who wait, and not kept.
    index.catch(() => (making = undefined));
    return index;
  };
}
