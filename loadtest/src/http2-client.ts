import { type ClientHttp2Session, connect, constants } from 'node:http2';

export interface Tls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

/**
 * One client with one HTTP/2 connection of its own over mutual TLS. Requests on it may overlap; a load of N clients is
 * N of these. A broken connection rejects what is under way; the next request connects again.
 */
export class Http2Client {
  #session: ClientHttp2Session | undefined;
  readonly #tls: Tls;

  constructor(
    readonly server: string,
    tls: Tls,
  ) {
    this.#tls = tls;
  }

  async request(
    method: string,
    path: string,
    body?: string | Buffer,
    options: {
      readonly timeoutMs?: number;
      readonly contentType?: string;
      readonly onChunk?: (chunk: Buffer) => void;
    } = {},
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const stream = this.#connect().request(
        {
          ':method': method,
          ':path': path,
          accept: 'application/json',
          ...(body === undefined
            ? {}
            : {
                'content-type': options.contentType ?? 'application/json',
                'content-length': Buffer.byteLength(body),
              }),
        },
        { endStream: body === undefined },
      );
      let status = 0;
      const chunks: Buffer[] = [];
      stream.on('response', (headers) => (status = headers[':status'] ?? 0));
      stream.on('data', (chunk: Buffer) =>
        options.onChunk === undefined ? chunks.push(chunk) : options.onChunk(chunk),
      );
      stream.on('end', () => {
        if (status === 0) reject(new Error('the connection closed before an answer came'));
        else resolve({ status, body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) });
      });
      stream.on('error', reject);
      stream.on('close', () => reject(new Error('the stream was closed')));
      if (options.timeoutMs !== undefined) {
        stream.setTimeout(options.timeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
      }
      if (body !== undefined) stream.end(body);
    });
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #connect(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed)
      return this.#session;
    const session = connect(this.server, { ...this.#tls, settings: { initialWindowSize: 1 << 20 } });
    session.setMaxListeners(0);
    session.on('connect', () => session.setLocalWindowSize(16 << 20));
    session.on('error', () => session.destroy());
    session.on('goaway', () => session.close());
    this.#session = session;
    return session;
  }
}
