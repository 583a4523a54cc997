/** Who asks, after authentication. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/**
 * A request past authentication, free of any HTTP server's types. The HTTP adapter makes one of each HTTP request,
 * the in-process transport makes them directly.
 */
export interface ApiRequest {
  readonly method: string;
  /** Decoded path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Bytes from HTTP; an object (owned by the callee) from the in-process transport. */
  readonly body: { readonly bytes: Uint8Array } | { readonly object: unknown } | undefined;
  readonly user: UserInfo;
  /** In-process callers that lead: every write of this request is fenced by this term. */
  readonly fence?: number;
  /** True where the caller takes a decoded, shared, read-only object instead of bytes. */
  readonly wantsObject: boolean;
  readonly remoteAddress: string;
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
}

export interface UnaryResponse {
  readonly kind: 'unary';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Chunks to send as they are, shared with the store: never written to. */
  readonly chunks?: readonly Uint8Array[];
  /** Instead of chunks where `wantsObject` was set. */
  readonly object?: unknown;
}

/** A watch: the writer pushes frames until either side closes. */
export interface StreamResponse {
  readonly kind: 'stream';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Called once by the transport. Returns what stops the stream when the client has gone. */
  readonly start: (sink: StreamSink) => () => void;
}

export interface StreamSink {
  /** A frame: bytes for HTTP, an event object for in-process callers. Returns false when the client lags behind its bound: the frame is taken, more should wait for `ready`. */
  write(frame: Uint8Array | { readonly type: string; readonly object: unknown }): boolean;
  end(): void;
  /**
   * Resolves once the sink has room again after `write` answered false; undefined where it has room now. A sink without
   * it always has room.
   */
  ready?(): Promise<void> | undefined;
}

export type ApiResponse = UnaryResponse | StreamResponse;

/** The API of one replica. Never rejects: every failure is a metav1.Status response. */
export type ApiHandler = (request: ApiRequest) => Promise<ApiResponse>;
