import { DecodeError } from './errors.js';

/** Appends to one growing buffer. Integers are LEB128 varints up to 2^53−1. */
export class ByteWriter {
  private buffer: Uint8Array;
  private length = 0;

  constructor(capacityBytes: number) {
    this.buffer = new Uint8Array(capacityBytes);
  }

  get lengthBytes(): number {
    return this.length;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  /** Four bytes, little-endian. */
  fixed32(value: number): void {
    this.reserve(4);
    this.buffer[this.length++] = value & 0xff;
    this.buffer[this.length++] = (value >>> 8) & 0xff;
    this.buffer[this.length++] = (value >>> 16) & 0xff;
    this.buffer[this.length++] = value >>> 24;
  }

  integer(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${value} is not a non-negative safe integer`);
    }
    this.reserve(8);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.buffer[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.buffer[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.length++] = rest;
  }

  /** Code units as they are, one byte each where all fit (Kubernetes' keys always do): lossless for any string. */
  text(value: string): void {
    const units = value.length;
    let wide = false;
    for (let i = 0; i < units && !wide; i++) wide = value.charCodeAt(i) > 0xff;
    this.integer(units * 2 + (wide ? 1 : 0));
    this.reserve(wide ? units * 2 : units);
    for (let i = 0; i < units; i++) {
      const unit = value.charCodeAt(i);
      this.buffer[this.length++] = unit & 0xff;
      if (wide) this.buffer[this.length++] = unit >>> 8;
    }
  }

  bytes(value: Uint8Array): void {
    this.integer(value.length);
    this.raw(value);
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  /** What was written; a view of the writer's own buffer, which must not be written to any more. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

// String.fromCharCode takes its units as arguments: long texts go in pieces that fit the stack.
const unitsPerPiece = 4096;

/** Reads what ByteWriter wrote. Every method throws DecodeError, naming the field, on bytes that do not hold it. */
export class ByteReader {
  offset = 0;

  constructor(readonly source: Uint8Array) {}

  get remainingBytes(): number {
    return this.source.length - this.offset;
  }

  fail(what: string): never {
    throw new DecodeError(`${what} at byte ${this.offset} of ${this.source.length}`);
  }

  byte(field: string): number {
    const value = this.source[this.offset];
    if (value === undefined) this.fail(`${field} is cut off`);
    this.offset++;
    return value;
  }

  fixed32(field: string): number {
    if (this.remainingBytes < 4) this.fail(`${field} is cut off`);
    const value =
      this.byte(field) | (this.byte(field) << 8) | (this.byte(field) << 16) | (this.byte(field) << 24);
    return value >>> 0;
  }

  integer(field: string): number {
    const first = this.byte(field);
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let scale = 128;
    for (let count = 1; count < 8; count++) {
      const next = this.byte(field);
      value += (next & 0x7f) * scale;
      if (next < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    return this.fail(`${field} is no safe integer`);
  }

  /** A count of items of at least one byte each, so that damaged counts never make a loop long. */
  count(field: string): number {
    const value = this.integer(field);
    if (value > this.remainingBytes) this.fail(`${field} ${value} is more than the bytes left`);
    return value;
  }

  text(field: string): string {
    const head = this.integer(field);
    const wide = head % 2 === 1;
    const units = Math.floor(head / 2);
    if (units * (wide ? 2 : 1) > this.remainingBytes) this.fail(`${field} is cut off`);
    if (!wide && units <= unitsPerPiece) {
      const view = this.source.subarray(this.offset, this.offset + units);
      this.offset += units;
      return String.fromCharCode.apply(undefined, view as unknown as number[]);
    }
    let value = '';
    for (let done = 0; done < units; done += unitsPerPiece) {
      const piece: number[] = [];
      for (let i = done; i < Math.min(units, done + unitsPerPiece); i++) {
        const low = this.byte(field);
        piece.push(wide ? low | (this.byte(field) << 8) : low);
      }
      value += String.fromCharCode.apply(undefined, piece);
    }
    return value;
  }

  /** A view of the source, not a copy. */
  bytes(field: string): Uint8Array {
    const length = this.integer(field);
    if (length > this.remainingBytes) this.fail(`${field} is cut off`);
    const view = this.source.subarray(this.offset, this.offset + length);
    this.offset += length;
    return view;
  }
}
