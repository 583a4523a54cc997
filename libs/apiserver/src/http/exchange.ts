import type { Readable, Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** One HTTP exchange, whichever version of the protocol carries it. */
export interface HttpExchange {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly socket: TLSSocket | undefined;
  readonly remoteAddress: string;
  readonly input: Readable;
  /** True when it is known from the headers that no body follows; `input` is then best left alone. */
  readonly inputEmpty: boolean;
  readonly output: Writable;
  /** Sends status and headers, and the length of the body in bytes where it is known; once. */
  respond(
    status: number,
    headers: Readonly<Record<string, string>>,
    endOfStream: boolean,
    contentLength?: number,
  ): void;
  /** Ends the exchange at once after an answer to a body that was not read to its end. */
  abandonInput(): void;
  /** Called when the client has gone before the answer was complete. */
  onGone(listener: () => void): void;
  /** True once nothing can be sent any more. */
  readonly gone: boolean;
}
