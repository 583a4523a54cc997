import { connect, type TLSSocket } from 'node:tls';
import { FrameReader, content, encodeFrame, encodeSettings, encodeWindowUpdate } from './frames.js';
import { flags, frameHeaderBytes, frameTypes, preface, settingIds, writeFrameHeader } from './frames.js';
import type { Frame } from './frames.js';
import { decodeStatus, encodeConstantFields, encodeRequest } from './headers.js';

export interface Tls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Exchange {
  /** Called with the status, before any data. */
  readonly onStatus: (status: number) => void;
  /** Called with each piece of the body; a view, valid during the call alone. */
  readonly onData: (chunk: Buffer) => void;
  readonly onEnd: () => void;
  readonly onError: (error: Error) => void;
}

interface Stream extends Exchange {
  readonly id: number;
  header: Buffer[];
  /** Its status has come. */
  answered: boolean;
  ended: boolean;
  received: number;
  /** What the server still takes on this stream, and what waits for it to take more. */
  sendWindow: number;
  unsent: Buffer | undefined;
}

/** What the server may send before it hears from us: more than any answer, so that windows cost nothing. */
const receiveWindow = 2 ** 30;
const defaultWindow = 65_535;
const defaultFrameBytes = 16_384;

/**
 * One HTTP/2 connection over mutual TLS, for load. It costs a fifth of the time that Node's own client takes a
 * request: on a machine that the measured servers share, the client would otherwise be much of what is measured.
 */
export class Http2Connection {
  readonly #socket: TLSSocket;
  readonly #reader = new FrameReader();
  readonly #streams = new Map<number, Stream>();
  readonly #constantFields: Buffer;
  #nextStream = 1;
  #received = 0;
  #sendWindow = defaultWindow;
  #initialSendWindow = defaultWindow;
  #frameBytesMax = defaultFrameBytes;
  #closed = false;

  constructor(server: string, tls: Tls) {
    const { hostname, port, host } = new URL(server);
    this.#constantFields = encodeConstantFields(host);
    this.#socket = connect({ ...tls, host: hostname, port: Number(port), ALPNProtocols: ['h2'] });
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('the connection was closed')));
    const settings = encodeSettings([
      [settingIds.headerTableSize, 0],
      [settingIds.enablePush, 0],
      [settingIds.initialWindowSize, receiveWindow],
    ]);
    this.#socket.write(Buffer.concat([preface, settings, encodeWindowUpdate(0, receiveWindow)]));
  }

  /** False once no further request can be sent. */
  get open(): boolean {
    return !this.#closed;
  }

  /** Sends a request; returns what takes it back. */
  request(
    exchange: Exchange,
    method: string,
    path: string,
    body?: { readonly type: string; readonly bytes: Buffer },
  ): () => void {
    const id = this.#nextStream;
    this.#nextStream += 2;
    const stream: Stream = {
      ...exchange,
      id,
      header: [],
      answered: false,
      ended: false,
      received: 0,
      sendWindow: this.#initialSendWindow,
      unsent: undefined,
    };
    this.#streams.set(id, stream);
    const declared = body === undefined ? undefined : { type: body.type, length: body.bytes.length };
    const block = encodeRequest(this.#constantFields, method, path, declared);
    const last = body === undefined ? flags.endStream : 0;
    const header = encodeFrame(frameTypes.headers, flags.endHeaders | last, id, block);
    stream.unsent = body?.bytes;
    this.#socket.write(body === undefined ? header : Buffer.concat([header, ...this.#dataFrames(stream)]));
    return () => this.#cancel(stream);
  }

  close(): void {
    this.#end(new Error('the client was closed'));
    this.#socket.destroy();
  }

  #cancel(stream: Stream): void {
    if (!this.#streams.delete(stream.id)) return;
    const cancelled = Buffer.from([0, 0, 0, 8]);
    this.#socket.write(encodeFrame(frameTypes.rstStream, 0, stream.id, cancelled));
    stream.onError(new Error('the request was cancelled: no answer in time'));
  }

  /** As much of the body as the server takes now. */
  #dataFrames(stream: Stream): Buffer[] {
    const frames: Buffer[] = [];
    while (stream.unsent !== undefined) {
      const room = Math.min(this.#sendWindow, stream.sendWindow, this.#frameBytesMax);
      if (room <= 0 && stream.unsent.length > 0) break;
      const payload = stream.unsent.subarray(0, room);
      stream.unsent = payload.length === stream.unsent.length ? undefined : stream.unsent.subarray(room);
      const header = Buffer.allocUnsafe(frameHeaderBytes);
      const last = stream.unsent === undefined ? flags.endStream : 0;
      writeFrameHeader(header, 0, {
        length: payload.length,
        type: frameTypes.data,
        flags: last,
        stream: stream.id,
      });
      frames.push(header, payload);
      this.#sendWindow -= payload.length;
      stream.sendWindow -= payload.length;
    }
    return frames;
  }

  #flush(streams: Iterable<Stream>): void {
    for (const stream of streams) {
      const frames = this.#dataFrames(stream);
      if (frames.length > 0) this.#socket.write(Buffer.concat(frames));
    }
  }

  #read(chunk: Buffer): void {
    try {
      this.#reader.read(chunk, (frame) => this.#take(frame));
    } catch (error) {
      this.#end(error as Error);
      this.#socket.destroy();
    }
  }

  #take(frame: Frame): void {
    const stream = this.#streams.get(frame.stream);
    switch (frame.type) {
      case frameTypes.headers:
      case frameTypes.continuation:
        return stream === undefined ? undefined : this.#takeHeaders(stream, frame);
      case frameTypes.data:
        return this.#takeData(stream, frame);
      case frameTypes.rstStream:
        this.#streams.delete(frame.stream);
        return stream?.onError(
          new Error(`the server reset the stream, code ${frame.payload.readUInt32BE()}`),
        );
      case frameTypes.settings:
        return this.#takeSettings(frame);
      case frameTypes.ping:
        if ((frame.flags & flags.ack) === 0)
          this.#socket.write(encodeFrame(frameTypes.ping, flags.ack, 0, frame.payload));
        return undefined;
      case frameTypes.goAway:
        // What is under way may still be answered; new requests go over a new connection.
        this.#closed = true;
        if (this.#streams.size === 0) this.#socket.end();
        return undefined;
      case frameTypes.windowUpdate:
        return this.#takeWindow(stream, frame);
    }
  }

  #takeHeaders(stream: Stream, frame: Frame): void {
    stream.header.push(Buffer.from(frame.type === frameTypes.headers ? content(frame) : frame.payload));
    // Of a header that goes on in further frames, the first one says whether a body follows.
    if (frame.type === frameTypes.headers) stream.ended = (frame.flags & flags.endStream) !== 0;
    if ((frame.flags & flags.endHeaders) === 0) return;
    // What follows the body has no status: gRPC's trailers.
    if (!stream.answered) {
      const status = decodeStatus(Buffer.concat(stream.header));
      stream.answered = status >= 200;
      if (stream.answered) stream.onStatus(status);
    }
    stream.header = [];
    if (stream.ended) this.#finish(stream);
  }

  #takeData(stream: Stream | undefined, frame: Frame): void {
    this.#received += frame.payload.length;
    if (this.#received > receiveWindow / 2) {
      this.#socket.write(encodeWindowUpdate(0, this.#received));
      this.#received = 0;
    }
    if (stream === undefined) return;
    stream.received += frame.payload.length;
    if (stream.received > receiveWindow / 2) {
      this.#socket.write(encodeWindowUpdate(stream.id, stream.received));
      stream.received = 0;
    }
    stream.onData(content(frame));
    if ((frame.flags & flags.endStream) !== 0) this.#finish(stream);
  }

  #finish(stream: Stream): void {
    this.#streams.delete(stream.id);
    stream.onEnd();
    if (this.#closed && this.#streams.size === 0) this.#socket.end();
  }

  #takeSettings(frame: Frame): void {
    if ((frame.flags & flags.ack) !== 0) return;
    for (let at = 0; at + 6 <= frame.payload.length; at += 6) {
      const value = frame.payload.readUInt32BE(at + 2);
      switch (frame.payload.readUInt16BE(at)) {
        case settingIds.initialWindowSize:
          for (const stream of this.#streams.values()) stream.sendWindow += value - this.#initialSendWindow;
          this.#initialSendWindow = value;
          break;
        case settingIds.maxFrameSize:
          this.#frameBytesMax = value;
          break;
      }
    }
    this.#socket.write(encodeFrame(frameTypes.settings, flags.ack, 0, Buffer.alloc(0)));
    this.#flush(this.#streams.values());
  }

  #takeWindow(stream: Stream | undefined, frame: Frame): void {
    const increment = frame.payload.readUInt32BE() & 0x7fffffff;
    if (frame.stream === 0) {
      this.#sendWindow += increment;
      this.#flush(this.#streams.values());
    } else if (stream !== undefined) {
      stream.sendWindow += increment;
      this.#flush([stream]);
    }
  }

  #end(error: Error): void {
    this.#closed = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.onError(error);
  }
}
