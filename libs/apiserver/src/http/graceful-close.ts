import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';

/** What open requests get to finish once the server closes; watches have been ended before. */
const graceMs = 2000;

/**
 * Makes `server.close` end: HTTP/2 sessions are told to go away and close with their last stream, and whatever is still
 * connected after two seconds is cut. Node's own close would wait for as long as any client likes to stay.
 */
export function closeGracefully(server: Http2SecureServer): void {
  const sockets = new Set<TLSSocket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  const close = server.close.bind(server);
  server.close = (callback) => {
    const closing = close((error?: Error) => {
      clearTimeout(deadline);
      callback?.(error);
    });
    for (const session of sessions) session.close();
    const deadline = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    return closing;
  };
}
