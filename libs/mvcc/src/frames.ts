import { crc32 } from './crc32.js';
import { SnapshotError } from './errors.js';

const headBytes = 8;
/** A frame holds one value at least, whatever its size; more than this can only be damage. */
const maxFrameBytes = 256 * 1024 * 1024;

/** Payload length and CRC-32, little-endian, then the payload. */
export function frame(payload: Uint8Array): Uint8Array {
  const framed = new Uint8Array(headBytes + payload.length);
  const head = new DataView(framed.buffer);
  head.setUint32(0, payload.length, true);
  head.setUint32(4, crc32(payload), true);
  framed.set(payload, headBytes);
  return framed;
}

/** Takes frames out of chunks that may be cut anywhere. */
export class FrameReader {
  private readonly chunks: Iterator<Uint8Array>;
  private chunk = new Uint8Array(0);
  private position = 0;
  private framesRead = 0;

  constructor(chunks: Iterable<Uint8Array>) {
    this.chunks = chunks[Symbol.iterator]();
  }

  /** The payload of the next frame: valid until the following call. Throws SnapshotError when it is cut off or damaged. */
  next(expected: string): Uint8Array {
    const head = this.take(headBytes, expected);
    const view = new DataView(head.buffer, head.byteOffset, headBytes);
    const length = view.getUint32(0, true);
    const crc = view.getUint32(4, true);
    if (length > maxFrameBytes) {
      throw new SnapshotError(`damaged snapshot: frame ${this.framesRead} claims ${length} bytes`);
    }
    const payload = this.take(length, expected);
    if (crc32(payload) !== crc) {
      throw new SnapshotError(`damaged snapshot: the CRC of frame ${this.framesRead} does not match`);
    }
    this.framesRead++;
    return payload;
  }

  expectEnd(): void {
    if (this.advance()) throw new SnapshotError('damaged snapshot: there is more behind its end');
  }

  /** Moves on to a chunk with unread bytes; false at the end. */
  private advance(): boolean {
    while (this.position === this.chunk.length) {
      const step = this.chunks.next();
      if (step.done === true) return false;
      this.chunk = step.value as Uint8Array<ArrayBuffer>;
      this.position = 0;
    }
    return true;
  }

  private take(count: number, expected: string): Uint8Array {
    if (count > 0 && this.advance() && this.chunk.length - this.position >= count) {
      this.position += count;
      return this.chunk.subarray(this.position - count, this.position);
    }
    return this.gather(count, expected);
  }

  /** Across chunks. Grows with what arrives: a damaged length must not reserve memory for nothing. */
  private gather(count: number, expected: string): Uint8Array {
    const parts: Uint8Array[] = [];
    let got = 0;
    while (got < count) {
      if (!this.advance()) throw new SnapshotError(`the snapshot ends in the middle of ${expected}`);
      const part = this.chunk.subarray(this.position, this.position + count - got);
      this.position += part.length;
      got += part.length;
      parts.push(part);
    }
    const whole = new Uint8Array(count);
    let offset = 0;
    for (const part of parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    return whole;
  }
}
