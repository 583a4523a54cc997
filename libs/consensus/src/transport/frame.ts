import { ByteWriter } from '../bytes.js';

/** What a frame between peers carries. Layout: `length u32 · kind u8 · body`, length counting kind and body. */
export const frameKind = {
  hello: 1,
  welcome: 2,
  /** A batch of Raft messages. */
  messages: 3,
  ping: 4,
  pong: 5,
  /** Proposals that a follower hands to its leader. */
  forward: 6,
  /** Numbers of forwarded proposals that were not taken. */
  refused: 7,
  snapshotChunk: 8,
  /** Ends a snapshot: the message that announces it, and the checksum of all its bytes. */
  snapshotEnd: 9,
  /** A follower asks its leader to hand over; the body names to whom, 0 for the most caught up. */
  transfer: 10,
  /** A change of membership that a member hands to its leader, and what became of it. */
  memberChange: 11,
  memberChangeOutcome: 12,
  /** What a client of this port asks (client-codec.ts), and the answers. */
  clientRequests: 13,
  clientAnswers: 14,
} as const;

export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

/** No frame is larger: a peer that announces more is broken or hostile. */
export const maxFrameBytes = 64 << 20;
export const frameHeaderBytes = 5;

/**
 * One frame, its body written in place behind a header that is filled in at the end. Throws RangeError beyond
 * maxFrameBytes: the receiver would cut the connection, and whoever sends it again would be cut again.
 */
export function encodeFrame(
  kind: FrameKind,
  writeBody: (writer: ByteWriter) => void,
  capacityBytes = 512,
): Buffer {
  const writer = new ByteWriter(capacityBytes);
  writer.u32(0);
  writer.u8(kind);
  writeBody(writer);
  const length = writer.length - 4;
  if (length > maxFrameBytes)
    throw new RangeError(`a frame of ${length} bytes, ${maxFrameBytes} are allowed`);
  writer.patchU32(0, length);
  return writer.bytes();
}

/** Bytes of a peer that do not follow the protocol; the connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/**
 * Cuts a byte stream into frames. A frame that lies within one chunk is handed out as a view of it;
 * only one that spans chunks is copied together.
 */
export class FrameDecoder {
  #parts: Buffer[] = [];
  #held = 0;
  #needed = frameHeaderBytes;
  limitBytes: number;

  /** Small before the handshake: a stranger cannot make us hold much. */
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  push(chunk: Buffer, onFrame: (kind: number, body: Buffer) => void): void {
    if (this.#held === 0) return this.#cut(chunk, onFrame);
    this.#parts.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#needed) return;
    const whole = Buffer.concat(this.#parts, this.#held);
    this.#parts = [];
    this.#held = 0;
    this.#cut(whole, onFrame);
  }

  #cut(bytes: Buffer, onFrame: (kind: number, body: Buffer) => void): void {
    let at = 0;
    this.#needed = frameHeaderBytes;
    while (bytes.length - at >= frameHeaderBytes) {
      const length = bytes.readUInt32LE(at);
      if (length < 1 || length > this.limitBytes) throw new ProtocolError(`a frame of ${length} bytes`);
      this.#needed = 4 + length;
      if (bytes.length - at < this.#needed) break;
      onFrame(bytes.readUInt8(at + 4), bytes.subarray(at + frameHeaderBytes, at + this.#needed));
      at += this.#needed;
      this.#needed = frameHeaderBytes;
    }
    if (at === bytes.length) return;
    this.#parts.push(at === 0 ? bytes : bytes.subarray(at));
    this.#held = bytes.length - at;
  }
}
