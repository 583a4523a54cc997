import 'reflect-metadata';
import { createServer } from 'node:tls';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
// Not from the package's index: that loads every transport Nest has, which costs the consensus thread
// 250–360 ms at boot; these two files cost 120–165 ms.
import { Server } from '@nestjs/microservices/server/server.js';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { MemberAddress } from '../membership/member-directory.js';
import { encodeFrame, FrameDecoder, frameKind, maxFrameBytes, ProtocolError } from './frame.js';
import {
  decodeHello,
  encodeWelcome,
  handshakeTimeoutMs,
  maxHandshakeBytes,
  greet,
  secureContextOf,
} from './handshake.js';
import type { Hello, KnownPeers, PeerTls, Welcome } from './handshake.js';
import { cutUntrusted } from './trust.js';

export interface PeerServerOptions {
  readonly clusterId: string;
  readonly memberId: number;
  /** Asked anew at each handshake. */
  readonly known: () => KnownPeers;
  readonly host: string;
  readonly port: number;
  readonly tls: PeerTls;
  /** A peer has dialled and is let in. */
  readonly onConnect: (peer: MemberAddress) => void;
  /** The connection that a peer had dialled is gone, after its handshake. */
  readonly onDisconnect: (peer: number) => void;
  readonly onReceived: (peer: number, bytes: number) => void;
  readonly onWarning: (message: string) => void;
}

/** Peers need two each; what strangers hold besides ends with the handshake's time. Beyond it connections are closed at once. */
const maxConnections = 1_024;
/** Of them, connections of clients: there is always room for peers. */
const maxClients = 768;
/** Answers to pings that a peer leaves unread: its connection is closed then. */
const maxUnreadBytes = 64 << 10;
/** Answers that a client leaves unread. */
const maxUnreadAnswerBytes = 16 << 20;
const sameWarningMs = 10_000;

/** Patterns that the server dispatches on: one a frame kind. Handlers get the frame's body and its context. */
export const peerPattern = {
  [frameKind.messages]: 'raft.messages',
  [frameKind.forward]: 'raft.forward',
  [frameKind.refused]: 'raft.refused',
  [frameKind.transfer]: 'raft.transfer',
  [frameKind.snapshotChunk]: 'raft.snapshot.chunk',
  [frameKind.snapshotEnd]: 'raft.snapshot.end',
  [frameKind.memberChange]: 'raft.member.change',
  [frameKind.memberChangeOutcome]: 'raft.member.outcome',
  [frameKind.clientRequests]: 'client.requests',
} as const;
export type PeerPattern = (typeof peerPattern)[keyof typeof peerPattern];

/** Which peer a frame came from, and over which connection. */
export interface PeerContext {
  readonly peer: number;
  readonly connection: object;
  /** Sends a frame to a client; ends the connection of one that does not read its answers. */
  answer(frame: Buffer): void;
  /** Stops and starts reading from this peer: backpressure while a snapshot goes to disk. */
  pause(): void;
  resume(): void;
  /** Tells a snapshot's sender that it is durable here. */
  acknowledge(): void;
  /** Ends the connection with a reason that the peer logs. */
  refuse(reason: string): void;
  onClose(listener: () => void): void;
}

export interface PeerServerEvents extends Record<string, (...args: never[]) => void> {
  listening: (port: number) => void;
}

type Handler = (body: Buffer, context: PeerContext) => unknown;

/**
 * Nest transport strategy that takes the connections of peers: mutual TLS 1.3, a handshake that checks
 * cluster, member and protocol, then frames that go to the handler of their pattern, in order and
 * synchronously. It only receives; what this server sends goes over the connections of PeerClient.
 */
export class PeerServer extends Server<PeerServerEvents> implements CustomTransportStrategy {
  readonly #options: PeerServerOptions;
  /** Connections, with the peer of each once it is let in. */
  readonly #sockets = new Map<TLSSocket, number | undefined>();
  #clients = 0;
  #lastWarning = '';
  #lastWarningAt = 0;
  #server: TlsServer | undefined;

  constructor(options: PeerServerOptions) {
    super();
    this.#options = options;
  }

  /** Nest's signature: the callback gets an error, or nothing once the port is open. */
  listen(callback: (error?: Error) => void): void {
    const { tls, host, port } = this.#options;
    const server = createServer(
      {
        ...secureContextOf(tls),
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: handshakeTimeoutMs,
      },
      (socket) => this.#accept(socket),
    );
    server.maxConnections = maxConnections;
    server.on('tlsClientError', (error, socket) => {
      this.#warn(`refused a connection from ${socket.remoteAddress ?? 'nowhere'}: ${error.message}`);
      // Node leaves it open, also when nothing came in time.
      socket.destroy();
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      callback(
        error.code === 'EADDRINUSE'
          ? new Error(
              `the peer port ${host}:${port} is in use by another process; choose another or end that process`,
            )
          : error,
      );
    });
    server.listen(port, host, () => {
      server.on('error', (error) => this.#options.onWarning(`peer server: ${error.message}`));
      callback();
    });
    this.#server = server;
  }

  /** From now on connections begin with this; those of peers that it does not trust are cut. */
  reload(tls: PeerTls): void {
    this.#server?.setSecureContext(secureContextOf(tls));
    cutUntrusted(this.#sockets.keys(), tls.ca);
  }

  /** A stranger that tries again and again does not fill the log. */
  #warn(message: string): void {
    const now = performance.now();
    if (message === this.#lastWarning && now - this.#lastWarningAt < sameWarningMs) return;
    this.#lastWarning = message;
    this.#lastWarningAt = now;
    this.#options.onWarning(message);
  }

  /** Resolves when the port is free and every connection is gone. */
  close(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy();
    const server = this.#server;
    return new Promise((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }

  on(): void {
    throw new Error('the peer server reports through its options');
  }

  unwrap<T>(): T {
    return this.#server as T;
  }

  #accept(socket: TLSSocket): void {
    this.#sockets.set(socket, undefined);
    socket.setNoDelay(true);
    const decoder = new FrameDecoder(maxHandshakeBytes);
    let context: PeerContext | undefined;
    let channel: Hello['channel'] = 'messages';
    const timer = setTimeout(() => socket.destroy(), handshakeTimeoutMs);
    const receiveHello = (body: Buffer): void => {
      clearTimeout(timer);
      const hello = decodeHello(body);
      const welcome = greet(hello, this.#options, this.#options.known(), socket);
      if (welcome.refusal !== '' || hello === undefined) return this.#refuse(socket, welcome);
      if (hello.channel === 'client' && this.#clients >= maxClients)
        return this.#refuse(socket, {
          refusal: `${maxClients} clients are connected already`,
          removed: false,
        });
      if (hello.channel === 'client') this.#clients++;
      decoder.limitBytes = maxFrameBytes;
      channel = hello.channel;
      context = contextOf(socket, hello.from.id, (refusal) =>
        this.#refuse(socket, { refusal, removed: false }),
      );
      this.#sockets.set(socket, hello.from.id);
      socket.write(encodeWelcome());
      if (channel === 'messages') this.#options.onConnect(hello.from);
    };
    socket.on('data', (chunk: Buffer) => {
      if (context !== undefined) this.#options.onReceived(context.peer, chunk.length);
      try {
        decoder.push(chunk, (kind, body) => {
          if (context !== undefined) this.#dispatch(kind, body, context, channel, socket);
          else if (kind === frameKind.hello) receiveHello(body);
          else throw new ProtocolError('no handshake');
        });
      } catch (error) {
        const refusal = error instanceof Error ? error.message : String(error);
        this.#refuse(socket, { refusal, removed: false });
      }
    });
    // The close that follows is what counts.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
      if (context !== undefined && channel === 'client') this.#clients--;
      if (context !== undefined && channel === 'messages') this.#options.onDisconnect(context.peer);
    });
  }

  #dispatch(
    kind: number,
    body: Buffer,
    context: PeerContext,
    channel: Hello['channel'],
    socket: TLSSocket,
  ): void {
    if (kind === frameKind.ping) {
      if (socket.writableLength > maxUnreadBytes) throw new ProtocolError('it does not read its answers');
      socket.write(encodeFrame(frameKind.pong, (writer) => writer.raw(body)));
      return;
    }
    if ((channel === 'client') !== (kind === frameKind.clientRequests))
      throw new ProtocolError(`a frame of kind ${kind} on the channel '${channel}'`);
    const pattern = (peerPattern as Record<number, string | undefined>)[kind];
    const handler = pattern === undefined ? undefined : this.messageHandlers.get(pattern);
    if (handler === undefined) throw new ProtocolError(`a frame of unknown kind ${kind}`);
    void handler(body, context);
  }

  #refuse(socket: TLSSocket, welcome: Welcome): void {
    this.#warn(`refused peer ${socket.remoteAddress ?? 'nowhere'}: ${welcome.refusal}`);
    if (!socket.destroyed) socket.end(encodeWelcome(welcome));
  }

  /** Ends the connections of a member that was removed. When it dials again it is told why. */
  expel(peer: number): void {
    for (const [socket, from] of this.#sockets) if (from === peer) socket.destroy();
  }

  /** Registers what takes the frames of one pattern; the typed face of Nest's addHandler. */
  handle(pattern: PeerPattern, handler: Handler): void {
    this.addHandler(pattern, handler as never, true);
  }
}

function contextOf(socket: TLSSocket, peer: number, refuse: (reason: string) => void): PeerContext {
  return {
    peer,
    connection: socket,
    answer: (frame) => {
      if (socket.writableLength > maxUnreadAnswerBytes) socket.destroy();
      else if (!socket.destroyed) socket.write(frame);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    acknowledge: () => void socket.write(encodeWelcome()),
    refuse,
    onClose: (listener) => void socket.once('close', listener),
  };
}
