import { ApiError, type Status } from '#libs/apimachinery';
import type { Transport, TransportRequest, TransportResponse, WatchSink } from './transport.js';

/** The API server's handler, as a shape: this room may not import the apiserver's. See libs/apiserver/src/request.ts. */
export type InProcessHandler = (request: InProcessRequest) => Promise<InProcessResponse>;

export interface InProcessUser {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface InProcessRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: { readonly object: unknown } | undefined;
  readonly user: InProcessUser;
  readonly fence?: number;
  readonly wantsObject: boolean;
  readonly remoteAddress: string;
  readonly signal: AbortSignal;
}

export type InProcessFrame = Uint8Array | { readonly type: string; readonly object: unknown };

export type InProcessResponse =
  | {
      readonly kind: 'unary';
      readonly status: number;
      readonly chunks?: readonly Uint8Array[];
      readonly object?: unknown;
    }
  | {
      readonly kind: 'stream';
      readonly status: number;
      readonly start: (sink: { write(frame: InProcessFrame): boolean; end(): void }) => () => void;
    };

export interface InProcessOptions {
  readonly user: InProcessUser;
  /** Term under which the caller leads: every write is refused once another term rules. */
  readonly fence?: number;
  readonly userAgent?: string;
}

const neverAborted = new AbortController().signal;

/** Calls the API of the same process with objects instead of bytes: no socket, no JSON. */
export function createInProcessTransport(handler: InProcessHandler, options: InProcessOptions): Transport {
  const toRequest = (request: TransportRequest): InProcessRequest => ({
    method: request.method,
    path: request.path,
    query: toQuery(request.query),
    headers: {
      accept: 'application/json',
      'user-agent': options.userAgent ?? 'trireme-in-process',
      ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
    },
    body: request.body === undefined ? undefined : { object: request.body },
    user: options.user,
    ...(options.fence === undefined ? {} : { fence: options.fence }),
    wantsObject: true,
    remoteAddress: '127.0.0.1',
    signal: request.signal ?? neverAborted,
  });

  return {
    async request(request): Promise<TransportResponse> {
      request.signal?.throwIfAborted();
      const response = await handler(toRequest(request));
      if (response.kind === 'stream')
        throw new Error(`${request.method} ${request.path} answered with a stream`);
      const body = bodyOf(response);
      if (response.status >= 400) throw toError(response.status, body);
      return { status: response.status, body };
    },
    async watch(request, sink) {
      request.signal?.throwIfAborted();
      const response = await handler(toRequest(request));
      if (response.kind === 'unary') throw toError(response.status, bodyOf(response));
      return startStream(response.start, sink, request.signal);
    },
  };
}

type StartStream = Extract<InProcessResponse, { kind: 'stream' }>['start'];

function startStream(
  start: StartStream,
  sink: WatchSink,
  signal: AbortSignal | undefined,
): { close(): void } {
  let open = true;
  let stop: (() => void) | undefined;
  const close = (): void => {
    if (!open) return;
    open = false;
    signal?.removeEventListener('abort', close);
    stop?.();
    sink.onEnd();
  };
  signal?.addEventListener('abort', close, { once: true });
  stop = start({
    write(frame) {
      if (!open) return false;
      const event = frame instanceof Uint8Array ? decodeFrame(frame) : frame;
      sink.onEvent(event.type as Parameters<WatchSink['onEvent']>[0], event.object);
      return true;
    },
    end: close,
  });
  // The stream may have ended, or the caller closed it, while it was being started.
  if (!open) stop();
  return { close };
}

function decodeFrame(frame: Uint8Array): { type: string; object: unknown } {
  return JSON.parse(new TextDecoder().decode(frame)) as { type: string; object: unknown };
}

function bodyOf(response: { readonly chunks?: readonly Uint8Array[]; readonly object?: unknown }): unknown {
  if (response.object !== undefined) return response.object;
  if (response.chunks === undefined || response.chunks.length === 0) return undefined;
  const text = Buffer.concat(response.chunks).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text; // /healthz and the like answer in plain text
  }
}

function toQuery(query: TransportRequest['query']): URLSearchParams {
  const params = new URLSearchParams();
  if (query === undefined) return params;
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.append(name, value);
  return params;
}

/** The error that a response of status 400 or more stands for. */
export function toError(code: number, body: unknown): ApiError {
  if (typeof body === 'object' && body !== null && (body as { kind?: unknown }).kind === 'Status') {
    const status = body as Status;
    return ApiError.fromStatus(status.code === undefined ? { ...status, code } : status);
  }
  const message =
    typeof body === 'string' && body !== '' ? body.slice(0, 1_024) : `the server answered ${code}`;
  return new ApiError(code, reasonOf(code), message);
}

function reasonOf(code: number): ApiError['reason'] {
  switch (code) {
    case 400:
      return 'BadRequest';
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 405:
      return 'MethodNotAllowed';
    case 409:
      return 'Conflict';
    case 410:
      return 'Expired';
    case 422:
      return 'Invalid';
    case 429:
      return 'TooManyRequests';
    case 503:
      return 'ServiceUnavailable';
    case 504:
      return 'Timeout';
    default:
      return 'InternalError';
  }
}
