const twoTo32 = 0x1_0000_0000;

/** Little-endian writer over one buffer that grows by doubling. Integers of 64 bits must be safe integers. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacityBytes = 1024) {
    this.#buffer = Buffer.allocUnsafe(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** Makes room and returns the offset at which to write. */
  #grow(bytes: number): number {
    const at = this.#length;
    const needed = at + bytes;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = needed;
    return at;
  }

  u8(value: number): void {
    // The offset first: growing replaces the buffer.
    const at = this.#grow(1);
    this.#buffer[at] = value;
  }

  u32(value: number): void {
    const at = this.#grow(4);
    this.#buffer.writeUInt32LE(value, at);
  }

  u64(value: number): void {
    const at = this.#grow(8);
    writeU64(this.#buffer, value, at);
  }

  /** The bytes alone: the reader must know how many. */
  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** UTF-8 behind its length. */
  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.u32(length);
    const at = this.#grow(length);
    this.#buffer.write(value, at, 'utf8');
  }

  /** Overwrites what was reserved earlier, for lengths and checksums known only at the end. */
  patchU32(at: number, value: number): void {
    this.#buffer.writeUInt32LE(value, at);
  }

  patchU64(at: number, value: number): void {
    writeU64(this.#buffer, value, at);
  }

  /** A view of what was written; valid until the next write. The writer must not be used again if it is kept. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** Reading beyond the end, or an integer that is not safe: the bytes are not what they claim to be. */
export class MalformedBytesError extends Error {
  override readonly name = 'MalformedBytesError';
}

/** Counterpart of ByteWriter; every read is checked against the end. */
export class ByteReader {
  #at: number;

  constructor(
    readonly buffer: Buffer,
    from = 0,
    readonly end = buffer.length,
  ) {
    this.#at = from;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.end - this.#at;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.end - at) {
      throw new MalformedBytesError(`${bytes} bytes expected at ${at}, ${this.end - at} left`);
    }
    this.#at = at + bytes;
    return at;
  }

  u8(): number {
    const at = this.#take(1);
    return this.buffer.readUInt8(at);
  }

  u32(): number {
    const at = this.#take(4);
    return this.buffer.readUInt32LE(at);
  }

  u64(): number {
    return readU64(this.buffer, this.#take(8));
  }

  /** A view, not a copy. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.buffer.subarray(at, at + length);
  }

  text(): string {
    return this.raw(this.u32()).toString('utf8');
  }
}

export function writeU64(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32LE(value % twoTo32, at);
  buffer.writeUInt32LE(Math.floor(value / twoTo32), at + 4);
}

export function readU64(buffer: Buffer, at: number): number {
  const value = buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * twoTo32;
  if (value > Number.MAX_SAFE_INTEGER) throw new MalformedBytesError(`integer at ${at} is not a safe one`);
  return value;
}
