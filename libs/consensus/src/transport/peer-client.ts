import 'reflect-metadata';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { ClientProxy } from '@nestjs/microservices/client/client-proxy.js';
import type { ReadPacket, WritePacket } from '@nestjs/microservices';
import type { MemberAddress } from '../membership/member-directory.js';
import { readU64, writeU64 } from '../bytes.js';
import { FrameDecoder, encodeFrame, frameKind, maxFrameBytes } from './frame.js';
import {
  certificateNames,
  decodeWelcome,
  encodeHello,
  handshakeTimeoutMs,
  maxHandshakeBytes,
  secureContextOf,
} from './handshake.js';
import type { Channel, PeerTls } from './handshake.js';
import { cutUntrusted } from './trust.js';

export interface PeerClientOptions {
  readonly clusterId: string;
  /** This server, as it introduces itself. */
  readonly self: MemberAddress;
  readonly peer: MemberAddress;
  readonly tls: PeerTls;
  readonly channel: Channel;
  /** Unsent bytes beyond which frames are dropped. */
  readonly maxQueuedBytes: number;
  /** A peer that shows no life for so long is taken for gone, whatever TCP says; by default 4 s, for snapshots 10 s. */
  readonly silenceMs?: number;
  readonly onConnect: () => void;
  /** A connection that had completed its handshake is gone; on the snapshot channel, any connection. */
  readonly onDisconnect: () => void;
  /** Snapshot channel: the peer holds the snapshot durably. */
  readonly onAcknowledged?: () => void;
  /** Client channel: what the server answers. The body is a view. */
  readonly onFrame?: (kind: number, body: Buffer) => void;
  readonly onSent: (bytes: number) => void;
  readonly onRoundTrip: (seconds: number) => void;
  readonly onWarning: (message: string) => void;
  /** The peer says that this server was removed from the cluster. */
  readonly onRemoved: (reason: string) => void;
}

const firstBackoffMs = 20;
const maxBackoffMs = 500;
const pingEveryMs = 1_000;
/** Pings wait behind the chunks of a snapshot, so that its channel has more patience. */
const defaultSilenceMs = { messages: 4_000, snapshot: 10_000, client: 4_000 } as const;

/**
 * Nest client proxy that dials one peer and keeps the connection: mutual TLS 1.3, handshake, frames out.
 * `sendFrame` drops (and says so) when the peer is out of reach or slower than the queue's bound: Raft
 * resends what counts. Reconnects with growing pauses until closed.
 */
export class PeerClient extends ClientProxy {
  readonly #options: PeerClientOptions;
  #tls: PeerTls;
  #socket: TLSSocket | undefined;
  #ready = false;
  #closed = false;
  #backoffMs = firstBackoffMs;
  #timer: NodeJS.Timeout | undefined;
  readonly #silenceMs: number;
  /** When the peer last showed life: by a frame, or by taking bytes of a snapshot. */
  #lastAlive = 0;
  #lastWarning = '';
  readonly #drained = new Set<() => void>();

  constructor(options: PeerClientOptions) {
    super();
    this.#options = options;
    this.#tls = options.tls;
    this.#silenceMs = options.silenceMs ?? defaultSilenceMs[options.channel];
  }

  get connected(): boolean {
    return this.#ready;
  }

  /** Starts dialling; resolves at once, since a peer may be away for long. */
  override connect(): Promise<void> {
    if (!this.#closed && this.#socket === undefined) this.#dial();
    return Promise.resolve();
  }

  /** The peer has just dialled us, so it is back: no reason to wait before dialling it. */
  hurry(): void {
    this.#backoffMs = firstBackoffMs;
    if (this.#closed || this.#socket !== undefined) return;
    clearTimeout(this.#timer);
    this.#dial();
  }

  /** From the next connection on; the present one is cut if this does not trust its other end. */
  reload(tls: PeerTls): void {
    this.#tls = tls;
    if (this.#socket !== undefined) cutUntrusted([this.#socket], tls.ca);
  }

  override close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  override unwrap<T>(): T {
    return this.#socket as T;
  }

  /** False when the frame was dropped. */
  sendFrame(frame: Buffer): boolean {
    const socket = this.#socket;
    if (!this.#ready || socket === undefined) return false;
    if (socket.writableLength + frame.length > this.#options.maxQueuedBytes && socket.writableLength > 0)
      return false;
    socket.write(frame);
    this.#options.onSent(frame.length);
    return true;
  }

  /** Resolves once the queue is below the socket's mark, or the connection is gone. */
  drained(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || !this.#ready || !socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => this.#drained.add(resolve));
  }

  #dial(): void {
    const { peer, clusterId, self, channel } = this.#options;
    const socket = connect({
      host: peer.host,
      port: peer.port,
      ...secureContextOf(this.#tls),
      // The address says nothing about identity: the certificate must speak for the member by name.
      checkServerIdentity: (_host, certificate) =>
        certificateNames(certificate, peer.name)
          ? undefined
          : new Error(`its certificate does not speak for member ${peer.id} ('${peer.name}')`),
    });
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.once('secureConnect', () => {
      socket.write(encodeHello({ clusterId, from: self, to: peer.id, channel }));
    });
    this.#schedule(handshakeTimeoutMs, () => socket.destroy(new Error('no handshake in time')));
    const decoder = new FrameDecoder(maxHandshakeBytes);
    socket.on('data', (chunk: Buffer) => {
      try {
        decoder.push(chunk, (kind, body) => this.#receive(kind, body, decoder, socket));
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('drain', () => {
      if (channel === 'snapshot') this.#lastAlive = performance.now();
      this.#release();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.#warn(error));
    socket.on('close', () => this.#closedBy(socket));
  }

  #release(): void {
    for (const resolve of this.#drained) resolve();
    this.#drained.clear();
  }

  #receive(kind: number, body: Buffer, decoder: FrameDecoder, socket: TLSSocket): void {
    this.#lastAlive = performance.now();
    if (kind === frameKind.welcome) {
      const { refusal, removed } = decodeWelcome(body);
      if (refusal !== '') {
        if (removed) this.#options.onRemoved(refusal);
        socket.destroy(new Error(`it refused this server: ${refusal}`));
        return;
      }
      if (this.#ready) return this.#options.onAcknowledged?.();
      decoder.limitBytes = maxFrameBytes;
      clearTimeout(this.#timer);
      this.#ready = true;
      this.#backoffMs = firstBackoffMs;
      this.#lastWarning = '';
      this.#options.onConnect();
      this.#ping(socket);
    } else if (kind === frameKind.pong) {
      this.#options.onRoundTrip((performance.now() * 1000 - readU64(body, 0)) / 1e6);
    } else if (this.#ready) this.#options.onFrame?.(kind, body);
  }

  #ping(socket: TLSSocket): void {
    if (performance.now() - this.#lastAlive > this.#silenceMs) {
      socket.destroy(new Error(`it answered nothing for ${this.#silenceMs} ms`));
      return;
    }
    const stamp = Buffer.alloc(8);
    writeU64(stamp, Math.round(performance.now() * 1000), 0);
    socket.write(encodeFrame(frameKind.ping, (writer) => writer.raw(stamp)));
    this.#schedule(Math.min(pingEveryMs, this.#silenceMs / 4), () => this.#ping(socket));
  }

  #schedule(ms: number, run: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(run, ms);
  }

  #closedBy(socket: TLSSocket): void {
    if (this.#socket !== socket) return;
    clearTimeout(this.#timer);
    this.#socket = undefined;
    const wasReady = this.#ready;
    this.#ready = false;
    this.#release();
    if (wasReady) this.#options.onDisconnect();
    if (this.#closed || this.#options.channel === 'snapshot') {
      this.#closed = true;
      if (!wasReady) this.#options.onDisconnect();
      return;
    }
    this.#schedule(this.#backoffMs, () => this.#dial());
    this.#backoffMs = Math.min(maxBackoffMs, this.#backoffMs * 2);
  }

  /** The same trouble is said once, not at every attempt. A peer that is merely away is not worth a line. */
  #warn(error: NodeJS.ErrnoException): void {
    if (error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' || error.message === this.#lastWarning)
      return;
    this.#lastWarning = error.message;
    const { id, name, host, port } = this.#options.peer;
    this.#options.onWarning(`peer ${id} ('${name}', ${host}:${port}): ${error.message}`);
  }

  /** Nest's `emit(pattern, data)`: data is a whole frame, as encodeFrame made it. */
  protected override dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    if (!this.sendFrame(packet.data as Buffer)) return Promise.reject(new Error('the peer is out of reach'));
    return Promise.resolve(undefined as T);
  }

  /** Nest's `send`: there are no replies between peers, only messages of their own. */
  protected override publish(_packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    callback({ err: new Error('peers exchange events: use emit'), isDisposed: true });
    return () => undefined;
  }
}
