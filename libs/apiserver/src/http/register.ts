import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2SecureServer, SecureServerOptions, ServerHttp2Stream } from 'node:http2';
import { createSecureServer, type IncomingHttpHeaders } from 'node:http2';
import type { FastifyInstance } from 'fastify';
import { closeGracefully, isDraining } from './graceful-close.js';
import { http1Exchange } from './http1-exchange.js';
import { Http2Exchange } from './http2-exchange.js';
import { serve, type HttpOptions } from './serve.js';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * Serves the API on a Fastify instance: one catch-all route, behind whatever routes of their own the application has.
 * The exchange is taken over before Fastify reads the body, which the API reads itself, bounded.
 */
export async function registerApi(fastify: FastifyInstance, options: HttpOptions): Promise<void> {
  await fastify.register(async (scope) => {
    scope.addHook('onRequest', (request, reply, _done) => {
      reply.hijack();
      if (request.raw.httpVersionMajor === 1 && isDraining(fastify.server)) {
        reply.raw.setHeader('connection', 'close');
      }
      void serve(http1Exchange(request.raw, reply.raw as ServerResponse), options);
    });
    scope.route({
      method: [...methods],
      url: '/*',
      handler: () => Promise.reject(new Error('requests are answered before they reach the handler')),
    });
  });
}

export interface FrontOptions {
  /** Key, certificate, client CA. A client certificate is asked for, not demanded: tokens are welcome too. */
  readonly tls: Pick<SecureServerOptions, 'key' | 'cert' | 'ca' | 'SNICallback' | 'secureContext'>;
  /** Serves these paths straight from the HTTP/2 session; undefined until the API is up: Fastify answers then. */
  readonly api: () => HttpOptions | undefined;
}

/** Paths whose HTTP/2 streams skip the compatibility layer and the router: the bulk of the traffic. */
const hotPath = /^\/apis?\//;
const maxConcurrentStreams = 1000;
const initialWindowBytes = 256 * 1024;
const handshakeTimeoutMs = 10_000;

/**
 * Makes the one TLS server for HTTP/2 and HTTP/1.1, for Fastify's `serverFactory`. HTTP/2 requests for API paths go from
 * the session's `stream` event to the API; all else goes to `handler`.
 */
export function apiServerFactory(
  options: FrontOptions,
): (handler: (request: IncomingMessage, response: ServerResponse) => void) => Http2SecureServer {
  return (handler) => {
    const server = createSecureServer({
      ...options.tls,
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      handshakeTimeout: handshakeTimeoutMs,
      settings: { maxConcurrentStreams, initialWindowSize: initialWindowBytes },
    });
    closeGracefully(server);
    server.on('request', handler as never);
    // Node answers that listener by one of its own for `stream`, the way into the compatibility layer.
    const compatible = server.listeners('stream')[0] as StreamListener;
    server.removeAllListeners('stream');
    const onStream: StreamListener = (stream, headers, flags, rawHeaders) => {
      const api = hotPath.test(headers[':path'] ?? '') ? options.api() : undefined;
      if (api === undefined) compatible.call(server, stream, headers, flags, rawHeaders);
      else void serve(new Http2Exchange(stream, headers), api);
    };
    server.on('stream', onStream as never);
    return server;
  };
}

type StreamListener = (
  this: Http2SecureServer,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: readonly string[],
) => void;
