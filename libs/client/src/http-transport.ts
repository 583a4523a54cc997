import type { Agent, Dispatcher } from 'undici';
import { ApiError } from '#libs/apimachinery';
import { toError } from './in-process-transport.js';
import type { Transport, TransportRequest, TransportResponse, WatchSink } from './transport.js';
import { createWatchDecoder } from './watch-decoder.js';

export interface HttpTransportOptions {
  /** `https://host:port`; several servers are tried in turn, staying with the one that answers. */
  readonly server: string | readonly string[];
  /** PEM. Absent: the system's roots. */
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** Bearer token; a function is asked anew for each request, so that a rotated token is picked up. */
  readonly token?: string | (() => string);
  /** Name the server's certificate must carry, where it differs from the host. */
  readonly serverName?: string;
  readonly userAgent?: string;
  /**
   * Where to offer HTTP/2 (HTTP/1.1 keep-alive is used otherwise, and where the server takes no other). Default
   * `watches`: they share a few sockets, while requests take HTTP/1.1, with which undici 7 does three times as many
   * a second (64 at a time over TLS: 2,700/s to 900/s).
   */
  readonly http2?: boolean | 'watches';
  /** For a whole exchange that is no watch. Default 30 000. */
  readonly timeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** Sockets per server for requests, and with HTTP/1.1 how many run at a time; watches have their own. Default 32. */
  readonly connections?: number;
  readonly maxWatchFrameBytes?: number;
}

export interface HttpTransport extends Transport {
  /** Ends all connections; requests under way fail. */
  close(): Promise<void>;
}

/** The server could not be reached or hung up. Where `sent` is true a write may have taken effect. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  constructor(
    message: string,
    readonly sent: boolean,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

interface Exchange {
  readonly origin: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

/**
 * A Transport over TLS, HTTP/2 or HTTP/1.1. With several servers a failed connection moves on to the
 * next one: at once for reads and for requests that were never sent; a write whose connection broke after it was sent
 * fails with ConnectionError, since nobody can tell whether it took effect.
 */
export function createHttpTransport(options: HttpTransportOptions): HttpTransport {
  const servers = (typeof options.server === 'string' ? [options.server] : options.server).map(
    (server) => new URL(server).origin,
  );
  if (servers.length === 0) throw new Error('createHttpTransport needs at least one server');
  const { http2 = 'watches' } = options;
  const unary = once(() =>
    makeAgent(options, http2 === true, options.connections ?? 32, options.timeoutMs ?? 30_000),
  );
  // Watches last; they must not take the sockets of requests, nor be cut for being silent.
  const streaming = once(() => makeAgent(options, http2 !== false, undefined, 0));
  let current = 0;

  const exchangeOf = (request: TransportRequest, origin: string): Exchange => ({
    origin,
    path: pathOf(request),
    headers: headersOf(request, options),
    body: request.body === undefined ? null : JSON.stringify(request.body),
  });

  /** Tries the servers in turn, beginning with the one that answered last. */
  async function tryServers<T>(request: TransportRequest, send: (origin: string) => Promise<T>): Promise<T> {
    let failure: ConnectionError | undefined;
    for (let attempt = 0; attempt < servers.length; attempt++) {
      const index = current;
      try {
        return await send(servers[index % servers.length] ?? '');
      } catch (error) {
        if (error instanceof ApiError) throw error;
        if (request.signal?.aborted === true) throw request.signal.reason;
        failure = connectionError(error, servers[index % servers.length] ?? '');
        // Another request may have moved on already; do not skip a server twice.
        if (current === index) current = (current + 1) % servers.length;
        if (failure.sent && request.method !== 'GET') throw failure;
      }
    }
    throw failure ?? new ConnectionError('no server', false);
  }

  return {
    request: (request) =>
      tryServers(request, async (origin) =>
        exchange(await unary(), request, exchangeOf(request, origin), options.timeoutMs ?? 30_000),
      ),
    watch: (request, sink) =>
      tryServers(request, async (origin) =>
        openWatch(await streaming(), request, exchangeOf(request, origin), sink, options.maxWatchFrameBytes),
      ),
    async close() {
      await Promise.all([unary, streaming].map(async (agent) => (await agent()).destroy()));
    },
  };
}

/** Masters speak to their own API in process: the HTTP library is loaded by those who make a request. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

async function makeAgent(
  options: HttpTransportOptions,
  allowH2: boolean,
  connections: number | undefined,
  timeoutMs: number,
): Promise<Agent> {
  const undici = await import('undici');
  return new undici.Agent({
    allowH2,
    ...(connections === undefined ? {} : { connections }),
    connect: {
      timeout: options.connectTimeoutMs ?? 5_000,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(options.cert === undefined ? {} : { cert: options.cert }),
      ...(options.key === undefined ? {} : { key: options.key }),
      ...(options.serverName === undefined ? {} : { servername: options.serverName }),
    },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 30_000,
  });
}

async function exchange(
  agent: Dispatcher,
  request: TransportRequest,
  { origin, path, headers, body }: Exchange,
  timeoutMs: number,
): Promise<TransportResponse> {
  const limit = followSignal(request.signal);
  const timeout = new ApiError(504, 'Timeout', `no answer from ${origin} within ${timeoutMs} ms`);
  const timer = setTimeout(() => limit.controller.abort(timeout), timeoutMs);
  const { signal } = limit.controller;
  try {
    const response = await agent.request({ origin, path, method: request.method, headers, body, signal });
    const text = await response.body.text();
    assertWhole(text, response.headers, origin);
    const decoded = decodeBody(text, response.headers['content-type']);
    if (response.statusCode >= 400) throw toError(response.statusCode, decoded);
    return { status: response.statusCode, body: decoded };
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
    limit.release();
  }
}

/** A controller that aborts with `signal`. Unlike AbortSignal.any it leaves nothing on a signal that lives on. */
function followSignal(signal: AbortSignal | undefined): { controller: AbortController; release: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal?.reason);
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort, { once: true });
  return { controller, release: () => signal?.removeEventListener('abort', abort) };
}

async function openWatch(
  agent: Dispatcher,
  request: TransportRequest,
  { origin, path, headers, body }: Exchange,
  sink: WatchSink,
  maxFrameBytes: number | undefined,
): Promise<{ close(): void }> {
  const { controller: closer, release } = followSignal(request.signal);
  const { signal } = closer;
  let response: Dispatcher.ResponseData;
  try {
    response = await agent.request({ origin, path, method: request.method, headers, body, signal });
    if (response.statusCode >= 400) {
      const text = await response.body.text();
      throw toError(response.statusCode, decodeBody(text, response.headers['content-type']));
    }
  } catch (error) {
    release();
    throw error;
  }
  let open = true;
  const end = (error?: Error): void => {
    if (!open) return;
    open = false;
    release();
    closer.abort();
    sink.onEnd(error);
  };
  const decoder = createWatchDecoder((frame) => {
    if (open) sink.onEvent(frame.type, frame.object);
  }, maxFrameBytes);
  response.body.on('data', (chunk: Buffer) => {
    try {
      decoder.push(chunk);
    } catch (error) {
      end(error instanceof Error ? error : new Error(String(error)));
    }
  });
  response.body.on('end', () => end());
  response.body.on('error', (error: Error) =>
    end(
      signal.aborted
        ? undefined
        : new ConnectionError(`watch of ${path} broke: ${error.message}`, true, { cause: error }),
    ),
  );
  response.body.on('close', () => end());
  return { close: () => end() };
}

function pathOf(request: TransportRequest): string {
  const path = request.path.split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':');
  if (request.query === undefined) return path;
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query))
    if (value !== undefined) params.append(name, value);
  const query = params.toString();
  return query === '' ? path : `${path}?${query}`;
}

function headersOf(request: TransportRequest, options: HttpTransportOptions): Record<string, string> {
  const headers: Record<string, string> = {
    accept: 'application/json',
    'user-agent': options.userAgent ?? 'trireme',
  };
  if (request.body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
  const token = typeof options.token === 'function' ? options.token() : options.token;
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  return headers;
}

/** A connection that breaks under an HTTP/2 stream may look like its end: a body that is cut short is no answer. */
function assertWhole(
  text: string,
  headers: Record<string, string | string[] | undefined>,
  origin: string,
): void {
  const length = headers['content-length'];
  const isShort = typeof length === 'string' && Number(length) !== Buffer.byteLength(text);
  const isMissing = text === '' && length === undefined && String(headers['content-type']).includes('json');
  if (isShort || isMissing) throw new ConnectionError(`${origin} hung up in the middle of its answer`, true);
}

function decodeBody(text: string, contentType: string | string[] | undefined): unknown {
  if (text === '') return undefined;
  if (typeof contentType === 'string' && contentType.includes('json')) return JSON.parse(text) as unknown;
  return text;
}

/** Codes of failures that happen before a byte of the request has left. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function connectionError(error: unknown, origin: string): ConnectionError {
  if (error instanceof ConnectionError) return error;
  const code = String((error as { code?: unknown }).code ?? '');
  const message = error instanceof Error ? error.message : String(error);
  return new ConnectionError(`${origin}: ${message === '' ? code : message}`, !neverSent.has(code), {
    cause: error,
  });
}
