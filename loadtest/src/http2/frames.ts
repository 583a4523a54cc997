/** Frames of HTTP/2 (RFC 9113 §4, §6), as far as a client meets them. */

export const frameTypes = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;
export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  initialWindowSize: 4,
  maxFrameSize: 5,
} as const;
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
export const frameHeaderBytes = 9;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Writes a frame's header into `target` at `at`. */
export function writeFrameHeader(
  target: Buffer,
  at: number,
  frame: { readonly length: number; readonly type: number; readonly flags: number; readonly stream: number },
): void {
  target.writeUIntBE(frame.length, at, 3);
  target[at + 3] = frame.type;
  target[at + 4] = frame.flags;
  target.writeUInt32BE(frame.stream, at + 5);
}

export function encodeFrame(type: number, flagBits: number, stream: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  writeFrameHeader(frame, 0, { length: payload.length, type, flags: flagBits, stream });
  frame.set(payload, frameHeaderBytes);
  return frame;
}

export function encodeSettings(values: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  for (const [i, [id, value]] of values.entries()) {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  }
  return encodeFrame(frameTypes.settings, 0, 0, payload);
}

export function encodeWindowUpdate(stream: number, increment: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(increment);
  return encodeFrame(frameTypes.windowUpdate, 0, stream, payload);
}

/** What a padded or prioritised payload really carries. */
export function content(frame: Frame): Buffer {
  let from = 0;
  let to = frame.payload.length;
  if ((frame.flags & flags.padded) !== 0) {
    to -= frame.payload[0] ?? 0;
    from = 1;
  }
  if (frame.type === frameTypes.headers && (frame.flags & flags.priority) !== 0) from += 5;
  return frame.payload.subarray(from, to);
}

/** Cuts a stream of bytes into frames. Payloads are views of what came in: copy what is kept beyond the call. */
export class FrameReader {
  #rest: Buffer[] = [];
  #restBytes = 0;
  #wanted = frameHeaderBytes;

  read(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    if (this.#restBytes < this.#wanted) return;
    const bytes = this.#rest.length === 1 ? chunk : Buffer.concat(this.#rest, this.#restBytes);
    let at = 0;
    this.#wanted = frameHeaderBytes;
    while (bytes.length - at >= frameHeaderBytes) {
      const end = at + frameHeaderBytes + bytes.readUIntBE(at, 3);
      if (end > bytes.length) {
        this.#wanted = end - at;
        break;
      }
      onFrame({
        type: bytes[at + 3] ?? 0,
        flags: bytes[at + 4] ?? 0,
        stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
        payload: bytes.subarray(at + frameHeaderBytes, end),
      });
      at = end;
    }
    this.#restBytes = bytes.length - at;
    this.#rest = this.#restBytes === 0 ? [] : [bytes.subarray(at)];
  }
}
