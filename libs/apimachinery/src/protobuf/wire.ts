import { ApiError } from '../errors/api-error.js';

/** Wire types of the protocol buffers encoding that Kubernetes uses. */
export const varintType = 0;
export const fixed64Type = 1;
export const bytesType = 2;
export const fixed32Type = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Writes a message from its end to its beginning, as gogo-protobuf does: a nested message's length is known when its
 * header is written, so nothing is measured beforehand and nothing is copied.
 */
export class BackwardWriter {
  private bytes: Uint8Array;
  private start: number;

  constructor(capacity = 2048) {
    this.bytes = new Uint8Array(capacity);
    this.start = capacity;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.bytes.length - this.start;
  }

  /** The written bytes: a view that is valid until the next write. */
  finish(): Uint8Array {
    return this.bytes.subarray(this.start);
  }

  tag(field: number, type: number): void {
    this.varint(field * 8 + type);
  }

  /** A non-negative integer below 2⁵³. */
  varint(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    this.reserve(size);
    let at = this.start;
    let rest = value;
    while (rest >= 128) {
      this.bytes[at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[at] = rest;
  }

  /** Two's complement in 64 bits, as int32 and int64 are both written. */
  int(value: number): void {
    if (value >= 0 && Number.isSafeInteger(value)) {
      this.varint(value);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)));
    const groups: number[] = [];
    for (; rest >= 128n; rest >>= 7n) groups.push(Number(rest & 127n) + 128);
    groups.push(Number(rest));
    this.raw(Uint8Array.from(groups));
  }

  double(value: number): void {
    this.reserve(8);
    new DataView(this.bytes.buffer).setFloat64(this.start, value, true);
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.start);
  }

  text(text: string): void {
    const { length } = text;
    this.reserve(length);
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 128) {
        this.start += length;
        this.raw(encoder.encode(text));
        return;
      }
      this.bytes[this.start + i] = code;
    }
  }

  private reserve(size: number): void {
    if (size > this.start) {
      const used = this.length;
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, used + size));
      grown.set(this.finish(), grown.length - used);
      this.start = grown.length - used;
      this.bytes = grown;
    }
    this.start -= size;
  }
}

/** Reads within bounds; every fault is an ApiError 400 that says where. */
export class Reader {
  constructor(
    readonly bytes: Uint8Array,
    private position = 0,
    private readonly end = bytes.length,
  ) {}

  get done(): boolean {
    return this.position >= this.end;
  }

  /** Below 2⁶⁴; exact below 2⁵³. */
  varint(): bigint | number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    let wide = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      wide += BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, wide);
    }
    throw malformed('integer overflow');
  }

  int(bits: 32 | 64): number {
    const value = this.varint();
    if (typeof value === 'number' && value < 2 ** 31) return value;
    return Number(BigInt.asIntN(bits, BigInt(value)));
  }

  tag(): { field: number; type: number } {
    const value = Number(this.varint());
    const field = Math.floor(value / 8);
    if (field < 1 || field > 2 ** 29) throw malformed(`illegal tag ${field}`);
    return { field, type: value % 8 };
  }

  /** A length-delimited part, as a reader of its own. */
  part(): Reader {
    const from = this.take(this.size());
    return new Reader(this.bytes, from, this.position);
  }

  rest(): Uint8Array {
    return this.bytes.subarray(this.position, this.end);
  }

  double(): number {
    const from = this.take(8);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset).getFloat64(from, true);
  }

  text(): string {
    const length = this.size();
    const from = this.take(length);
    if (length <= 24) {
      let text = '';
      for (let i = from; i < this.position; i++) {
        const code = this.bytes[i] ?? 0;
        if (code >= 128) return this.decode(from);
        text += String.fromCharCode(code);
      }
      return text;
    }
    return this.decode(from);
  }

  skip(type: number): void {
    if (type === varintType) this.varint();
    else if (type === fixed64Type) this.take(8);
    else if (type === bytesType) this.take(this.size());
    else if (type === fixed32Type) this.take(4);
    else throw malformed(`illegal wireType ${type}`);
  }

  private decode(from: number): string {
    try {
      return decoder.decode(this.bytes.subarray(from, this.position));
    } catch {
      throw malformed('a string is not UTF-8');
    }
  }

  private size(): number {
    const size = Number(this.varint());
    if (size > this.end - this.position) throw malformed('unexpected EOF');
    return size;
  }

  private take(size: number): number {
    const from = this.position;
    if (size > this.end - from) throw malformed('unexpected EOF');
    this.position = from + size;
    return from;
  }

  private byte(): number {
    if (this.position >= this.end) throw malformed('unexpected EOF');
    return this.bytes[this.position++] ?? 0;
  }
}

export function malformed(detail: string): ApiError {
  return new ApiError(400, 'BadRequest', `the protobuf body cannot be decoded: ${detail}`);
}
