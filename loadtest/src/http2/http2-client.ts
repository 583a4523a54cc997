import { Http2Connection, type Tls } from './connection.js';

export type { Tls };

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

export interface RequestOptions {
  readonly timeoutMs?: number;
  readonly contentType?: string;
  /** Takes the body in pieces, each valid during the call alone; the reply's `body` is then empty. */
  readonly onChunk?: (chunk: Buffer) => void;
}

/**
 * One client with one HTTP/2 connection of its own over mutual TLS. Requests on it may overlap; a load of N clients is
 * N of these. A broken connection rejects what is under way; the next request connects again.
 */
export class Http2Client {
  #connection: Http2Connection | undefined;
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
    options: RequestOptions = {},
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      let status = 0;
      let timer: NodeJS.Timeout | undefined;
      const chunks: Buffer[] = [];
      const exchange = {
        onStatus: (value: number) => void (status = value),
        onData: options.onChunk ?? ((chunk: Buffer) => void chunks.push(Buffer.from(chunk))),
        onEnd: () => {
          clearTimeout(timer);
          resolve({ status, body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) });
        },
        onError: (error: Error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const type = options.contentType ?? 'application/json';
      const sent = body === undefined ? undefined : { type, bytes: Buffer.from(body) };
      const cancel = this.#connect().request(exchange, method, path, sent);
      if (options.timeoutMs !== undefined) timer = setTimeout(cancel, options.timeoutMs);
    });
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #connect(): Http2Connection {
    if (this.#connection?.open !== true) this.#connection = new Http2Connection(this.server, this.#tls);
    return this.#connection;
  }
}
