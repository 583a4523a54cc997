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
    inputEmpty: false,
    output: response,
    respond: (status, fields, endStream, contentLength) => {
      if (response.headersSent || response.destroyed) return;
      if (contentLength !== undefined) response.setHeader('content-length', contentLength);
      response.writeHead(status, fields);
      if (endStream) response.end();
      // A watch may be silent for long: its client must see at once that it was accepted.
      else if (contentLength === undefined) response.flushHeaders();
    },
    abandonInput: () => linger(request),
    onGone: (listener) => void response.once('close', listener),
    get gone() {
      return response.destroyed || response.closed || request.socket.destroyed;
    },
  };
}

const lingerMs = 500;

/**
 * Reads away what a refused client still sends, for a while: a socket that is closed with bytes unread is reset, and
 * the client loses the answer that says why it was refused.
 */
function linger(request: IncomingMessage): void {
  const timer = setTimeout(() => request.socket.destroySoon(), lingerMs);
  for (const event of ['end', 'close']) request.once(event, () => clearTimeout(timer));
  request.resume();
}

function ignore(): void {
  // The client broke off: `close` follows, and there is nobody to tell.
}
