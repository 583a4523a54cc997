import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, MalformedBytesError } from './bytes.js';

describe('bytes', () => {
  it('are all kept when the buffer grows under any one write', () => {
    for (let capacity = 1; capacity <= 40; capacity++) {
      const writer = new ByteWriter(capacity);
      writer.u8(7);
      writer.u64(Number.MAX_SAFE_INTEGER);
      writer.u8(8);
      writer.u32(0xffff_ffff);
      writer.u8(9);
      writer.text('größer');
      writer.u8(10);
      writer.raw(Uint8Array.of(1, 2, 3));
      writer.u8(11);
      const reader = new ByteReader(Buffer.from(writer.bytes()));
      expect([reader.u8(), reader.u64(), reader.u8(), reader.u32(), reader.u8()]).toEqual([
        7,
        Number.MAX_SAFE_INTEGER,
        8,
        0xffff_ffff,
        9,
      ]);
      expect([reader.text(), reader.u8(), [...reader.raw(3)], reader.u8()]).toEqual([
        'größer',
        10,
        [1, 2, 3],
        11,
      ]);
      expect(reader.remaining).toBe(0);
    }
  });

  it('beyond the end, or no safe integer, are an error', () => {
    expect(() => new ByteReader(Buffer.alloc(3)).u32()).toThrow(MalformedBytesError);
    expect(() => new ByteReader(Buffer.alloc(8, 0xff)).u64()).toThrow(MalformedBytesError);
  });
});
