import { createHash } from 'node:crypto';
import type { ApiRequest, UnaryResponse } from '../request.js';
import { bytesResponse } from './respond.js';

export interface Document {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, hex: equal on every master that serves the same kinds. */
  readonly hash: string;
}

/** A value as the JSON that goes over the wire, with its hash. */
export function encodeDocument(value: unknown): Document {
  return hashed(Buffer.from(JSON.stringify(value)));
}

function hashed(bytes: Uint8Array): Document {
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() };
}

/** Documents that follow from the kinds served, made once and thrown away when those change. */
export class DocumentCache {
  readonly #documents = new Map<string, Document>();
  #of: unknown;

  /** `identity` returns another value when the kinds served have changed. */
  constructor(readonly identity: () => unknown) {}

  /** The document under this key; `make` returns undefined where there is none, bytes for a form other than JSON. */
  get(key: string, make: () => unknown): Document | undefined {
    const known = this.peek(key);
    if (known !== undefined) return known;
    const value = make();
    // What does not exist is not remembered: paths are the client's, and would fill the memory.
    if (value === undefined) return undefined;
    const document = value instanceof Uint8Array ? hashed(value) : encodeDocument(value);
    this.#documents.set(key, document);
    return document;
  }

  /** What has been made already. */
  peek(key: string): Document | undefined {
    const identity = this.identity();
    if (identity !== this.#of) {
      this.#of = identity;
      this.#documents.clear();
    }
    return this.#documents.get(key);
  }
}

/** The document with its ETag, or 304 when the client has it. */
export function documentResponse(
  request: ApiRequest,
  document: Document,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): UnaryResponse {
  const etag = `"${document.hash}"`;
  const all = { etag, vary: 'Accept', ...headers };
  if (matches(request.headers['if-none-match'], etag)) {
    return { kind: 'unary', status: 304, headers: { 'cache-control': 'no-cache, private', ...all } };
  }
  return bytesResponse(200, document.bytes, contentType, all);
}

/** If-None-Match compares weakly (RFC 9110 §13.1.2). */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => part.trim().replace(/^W\//, '') === etag || part.trim() === '*');
}
