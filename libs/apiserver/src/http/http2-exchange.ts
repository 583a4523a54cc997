import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { HttpExchange } from './exchange.js';

/** An HTTP/2 stream as it comes from the session, without Node's compatibility layer. */
export class Http2Exchange implements HttpExchange {
  readonly method: string;
  readonly url: string;
  readonly headers: HttpExchange['headers'];
  readonly socket: TLSSocket | undefined;
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    // A reset by the client is no fault of ours; `close` follows it.
    stream.on('error', ignore);
    this.#stream = stream;
    this.method = headers[':method'] ?? 'GET';
    this.url = headers[':path'] ?? '/';
    this.headers = headers as HttpExchange['headers'];
    // Node keeps one proxy of the socket a session; the certificate methods pass through.
    this.socket = stream.session?.socket as TLSSocket | undefined;
  }

  get remoteAddress(): string {
    return this.socket?.remoteAddress ?? '';
  }

  get input(): ServerHttp2Stream {
    return this.#stream;
  }

  get output(): ServerHttp2Stream {
    return this.#stream;
  }

  get inputEmpty(): boolean {
    return this.#stream.endAfterHeaders;
  }

  get gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  respond(
    status: number,
    fields: Readonly<Record<string, string>>,
    endStream: boolean,
    contentLength?: number,
  ): void {
    if (this.gone || this.#stream.headersSent) return;
    // Copied first, then added to: a spread behind other fields is many times slower.
    const headers: Record<string, string | number> = { ...fields };
    headers[':status'] = status;
    if (contentLength !== undefined) headers['content-length'] = contentLength;
    this.#stream.respond(headers, { endStream });
  }

  abandonInput(): void {
    this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  onGone(listener: () => void): void {
    this.#stream.once('close', listener);
  }
}

function ignore(): void {
  // See above.
}
