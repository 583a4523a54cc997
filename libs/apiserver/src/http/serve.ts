import { badRequest, timeout, unauthorized } from '#libs/apimachinery';
import { anonymousUser, type Authenticator } from '../authn.js';
import { systemClock, type Clock } from '../clock.js';
import { requestKind, type RequestKind } from '../handler/metrics.js';
import { errorReply } from '../handler/reply.js';
import { requestInfo } from '../handler/request-info.js';
import { isExpected, toApiError } from '../handler/storage-errors.js';
import type { ApiHandler, ApiRequest, ApiResponse, UserInfo } from '../request.js';
import type { HttpExchange } from './exchange.js';
import { peerCertificate } from './facts.js';
import { readBody } from './read-body.js';
import { sendStream, sendUnary } from './send.js';

export interface HttpOptions {
  readonly handle: ApiHandler;
  readonly authenticator: Authenticator;
  readonly clock?: Clock;
  /** A request that takes longer is answered 504; watches and other streams are exempt once open. Default 60 000. */
  readonly requestTimeoutMs?: number;
  readonly onFault?: (error: unknown) => void;
  /** Told of each request that a certificate authenticated, with that certificate's end. */
  readonly onClientCertificate?: (expiresAtMs: number) => void;
  /** Told of each request that took too long. */
  readonly onTimeout?: (kind: RequestKind) => void;
}

const defaultTimeoutMs = 60_000;

/** A request as the API takes it. The abort signal is made only for those that look at it. */
class HttpApiRequest implements ApiRequest {
  readonly wantsObject = false;
  readonly method: string;
  readonly headers: ApiRequest['headers'];
  readonly remoteAddress: string;
  #aborter: AbortController | undefined;

  constructor(
    readonly exchange: HttpExchange,
    readonly path: string,
    readonly query: URLSearchParams,
    readonly user: UserInfo,
    readonly body: ApiRequest['body'],
  ) {
    this.method = exchange.method;
    this.headers = exchange.headers;
    this.remoteAddress = exchange.remoteAddress;
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      const aborter = new AbortController();
      this.#aborter = aborter;
      if (this.exchange.gone) aborter.abort();
      else this.exchange.onGone(() => aborter.abort());
    }
    return this.#aborter.signal;
  }

  abort(): void {
    this.#aborter?.abort();
  }
}

/** Serves one exchange from its first header to its last byte. Never rejects. */
export async function serve(exchange: HttpExchange, options: HttpOptions): Promise<void> {
  let inputRead = false;
  let response: ApiResponse;
  try {
    const { path, query } = splitUrl(exchange.url);
    const answer = authenticated(exchange, options, path);
    const user = answer instanceof Promise ? await answer : answer;
    const input = inputOf(exchange, options);
    const bytes = input === undefined ? undefined : await input;
    inputRead = true;
    const body = bytes === undefined || bytes.length === 0 ? undefined : { bytes };
    const request = new HttpApiRequest(exchange, path, query, user, body);
    response = await withinTime(options, request);
  } catch (error) {
    if (!isExpected(error)) (options.onFault ?? logFault)(error);
    response = errorReply(toApiError(error), false);
  }
  if (exchange.gone) return;
  try {
    if (response.kind === 'stream') sendStream(exchange, response);
    else await sendUnary(exchange, response);
    if (!inputRead) exchange.abandonInput();
  } catch (error) {
    (options.onFault ?? logFault)(error);
  }
}

function inputOf(exchange: HttpExchange, options: HttpOptions): Promise<Buffer> | undefined {
  const { method, headers } = exchange;
  // Left alone: an HTTP/2 stream whose input was read to its end is destroyed too early, see readBody.
  if (exchange.inputEmpty) return undefined;
  if (method === 'GET' || method === 'HEAD') {
    exchange.input.resume();
    return undefined;
  }
  const { clock = systemClock, requestTimeoutMs = defaultTimeoutMs } = options;
  return readBody(exchange.input, headers['content-length'], clock, requestTimeoutMs);
}

/** Paths that anybody may ask for; everything else needs credentials (security.md). */
const openPath = /^\/(livez|readyz|healthz)(\/|$)|^\/version\/?$/;

function authenticated(
  exchange: HttpExchange,
  options: HttpOptions,
  path: string,
): UserInfo | Promise<UserInfo> {
  const certificate = peerCertificate(exchange.socket);
  if (certificate?.expiresAtMs !== undefined) options.onClientCertificate?.(certificate.expiresAtMs);
  const answer = options.authenticator.authenticate({
    peerCertificate: certificate,
    authorization: exchange.headers['authorization'],
    remoteAddress: exchange.remoteAddress,
    headers: exchange.headers,
  });
  if (answer instanceof Promise) return answer.then((user) => userOr401(user, path));
  return userOr401(answer, path);
}

function userOr401(user: UserInfo | undefined, path: string): UserInfo {
  if (user !== undefined) return user;
  if (openPath.test(path)) return anonymousUser;
  throw unauthorized();
}

const pathLengthMax = 16 * 1024;

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  if (url.length > pathLengthMax) throw badRequest('the URL is too long');
  const mark = url.indexOf('?');
  const raw = mark < 0 ? url : url.slice(0, mark);
  let path = raw;
  if (raw.includes('%')) {
    try {
      path = decodeURIComponent(raw);
    } catch {
      throw badRequest('the path of the request is not properly escaped');
    }
  }
  // Two names for one resource would be two ways past a rule.
  if (path.includes('/../') || path.endsWith('/..') || path.includes('\0'))
    throw badRequest('the path of the request is not canonical');
  return { path, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) };
}

/** The answer, or 504 when it takes too long. The work may still take effect; what it answers is dropped. */
function withinTime(options: HttpOptions, request: HttpApiRequest): Promise<ApiResponse> {
  const { clock = systemClock, requestTimeoutMs = defaultTimeoutMs } = options;
  return new Promise((resolve, reject) => {
    const cancel = clock.after(requestTimeoutMs, () => {
      reject(timeout('request did not complete within the allotted timeout'));
      options.onTimeout?.(requestKind(requestInfo(request.method, request.path, request.query), request));
      request.abort();
    });
    options.handle(request).then(
      (response) => {
        cancel();
        resolve(response);
      },
      (error: Error) => {
        cancel();
        reject(error);
      },
    );
  });
}

function logFault(error: unknown): void {
  console.error('request failed:', error);
}
