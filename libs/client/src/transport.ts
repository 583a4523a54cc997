/**
 * How a client reaches an API server. Two implementations: HTTP (TLS, HTTP/2 or 1.1), and in-process, where the
 * controllers of a master call the API of the same replica with objects instead of bytes.
 */
export interface Transport {
  request(request: TransportRequest): Promise<TransportResponse>;
  /**
   * Opens a watch. Resolves once the server has accepted it; rejects with ApiError (410 Gone among them).
   * `onEvent` is called in order; `onEnd` once, with the error if there was one.
   */
  watch(request: TransportRequest, sink: WatchSink): Promise<{ close(): void }>;
}

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path without the query, e.g. `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Decoded; becomes the server's property: the caller may not touch it afterwards. */
  readonly body?: unknown;
  /** Of the body; `application/json` unless it is a patch. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export interface TransportResponse {
  readonly status: number;
  /** Decoded. Shared with the server's cache in-process: read only. */
  readonly body: unknown;
}

export interface WatchSink {
  readonly onEvent: (type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR', object: unknown) => void;
  readonly onEnd: (error?: Error) => void;
}
