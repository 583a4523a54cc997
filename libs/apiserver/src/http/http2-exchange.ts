import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { HttpExchange } from './exchange.js';

/** An HTTP/2 stream as it comes from the session, without Node's compatibility layer. */
export function http2Exchange(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): HttpExchange {
  // A reset by the client is no fault of ours; `close` follows it.
  stream.on('error', ignore);
  const socket = stream.session?.socket as TLSSocket | undefined;
  return {
    method: headers[':method'] ?? 'GET',
    url: headers[':path'] ?? '/',
    headers: headers as HttpExchange['headers'],
    // Node keeps one proxy of the socket a session; the certificate methods pass through.
    socket,
    remoteAddress: socket?.remoteAddress ?? '',
    input: stream,
    inputEmpty: stream.endAfterHeaders,
    output: stream,
    respond: (status, fields, endStream) => {
      if (!stream.destroyed && !stream.headersSent)
        stream.respond({ ':status': status, ...fields }, { endStream });
    },
    abandonInput: () => stream.close(constants.NGHTTP2_NO_ERROR),
    onGone: (listener) => void stream.once('close', listener),
    get gone() {
      return stream.destroyed || stream.closed;
    },
  };
}

function ignore(): void {
  // See above.
}
