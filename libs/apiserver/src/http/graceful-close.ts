import { constants, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';

/** What open requests get to finish once the server closes; watches have been ended before. */
const graceMs = 2000;

/** What is on its way to us when a client is told to go away is still served: more than the time there and back. */
const noticeMs = 100;
const anyStream = 2 ** 31 - 1;

interface Connections {
  readonly sockets: Set<TLSSocket>;
  readonly sessions: Set<ServerHttp2Session>;
  draining: boolean;
  onEmpty: (() => void) | undefined;
}

const connections = new WeakMap<object, Connections>();

/** The open connections of a server that `apiServerFactory` has made. */
export function connectionsOf(server: Http2SecureServer): Iterable<TLSSocket> {
  return connections.get(server)?.sockets ?? [];
}

/** Whether answers are to tell HTTP/1.1 clients that their connection ends with them. */
export function isDraining(server: object): boolean {
  return connections.get(server)?.draining === true;
}

/**
 * Sends the clients elsewhere without failing any of their requests: everything is still answered, HTTP/2 sessions are told
 * to go away and end with their last stream, HTTP/1.1 connections end with their next answer. Resolves when all have gone,
 * or after `maxMs`: a client that asks nothing cannot be told.
 */
export function drain(server: Http2SecureServer, maxMs: number): Promise<void> {
  const open = connections.get(server);
  if (open === undefined) return Promise.resolve();
  open.draining = true;
  for (const session of open.sessions) sendAway(session);
  if (open.sockets.size === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, maxMs);
    open.onEmpty = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/**
 * Tells a client to open no more streams, and takes none any more a moment later (RFC 9113 §6.8). Closed at once, the session
 * would refuse what the client had sent before it heard of it, and not every client tries again.
 */
function sendAway(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, anyStream);
  const timer = setTimeout(() => session.close(), noticeMs);
  session.once('close', () => clearTimeout(timer));
}

/**
 * Makes `server.close` end: HTTP/2 sessions are told to go away and close with their last stream, and whatever is still
 * connected after two seconds is cut. Node's own close would wait for as long as any client likes to stay.
 */
export function closeGracefully(server: Http2SecureServer): void {
  const open: Connections = { sockets: new Set(), sessions: new Set(), draining: false, onEmpty: undefined };
  const { sockets, sessions } = open;
  connections.set(server, open);
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) open.onEmpty?.();
    });
  });
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    if (open.draining) sendAway(session);
  });
  const close = server.close.bind(server);
  server.close = (callback) => {
    const closing = close((error?: Error) => {
      clearTimeout(deadline);
      callback?.(error);
    });
    for (const session of sessions) sendAway(session);
    const deadline = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    return closing;
  };
}
