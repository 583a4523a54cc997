import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { HttpExchange } from './exchange.js';

/** An HTTP/1.1 exchange, or one of HTTP/2 through Node's compatibility layer. */
export function http1Exchange(request: IncomingMessage, response: ServerResponse): HttpExchange {
  response.on('error', ignore);
  return {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers: request.headers as HttpExchange['headers'],
    socket: request.socket as TLSSocket,
    remoteAddress: request.socket.remoteAddress ?? '',
    input: request,
    output: response,
    respond: (status, fields, endStream) => {
      if (response.headersSent || response.destroyed) return;
      response.writeHead(status, fields);
      if (endStream) response.end();
      // A watch may be silent for long: its client must see at once that it was accepted.
      else if (fields['content-length'] === undefined) response.flushHeaders();
    },
    abandonInput: () => {
      request.resume();
      response.once('close', () => request.socket.destroySoon());
    },
    onGone: (listener) => void response.once('close', listener),
    get gone() {
      return response.destroyed || response.closed || request.socket.destroyed;
    },
  };
}

function ignore(): void {
  // The client broke off: `close` follows, and there is nobody to tell.
}
