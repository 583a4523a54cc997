import { encodeValue } from '#libs/consensus';
import { describe, expect, it } from 'vitest';
import { decodeEntry, decodeRecord } from './record.js';

const slot = ' '.repeat(18);
const record = (header: string, value: string): Buffer =>
  Buffer.concat([Buffer.from(`${header}\n`), encodeValue(Buffer.from(value), value.indexOf(slot))]);

describe('records in Redis', () => {
  it('hold their revisions, and their value gets its own', () => {
    const { value, ...numbers } = decodeRecord(
      '/a',
      record('1700000000001 1700000000007 3', `{"v":${slot}}`),
    );
    expect(numbers).toEqual({
      key: '/a',
      createRevision: 1_700_000_000_001,
      modRevision: 1_700_000_000_007,
      version: 3,
      lease: 0,
    });
    expect(Buffer.from(value).toString()).toBe(`{"v":${'"1700000000007"'.padEnd(18)}}`);
  });

  it('of anybody else are refused by their key', () => {
    for (const bytes of ['', 'x', '1 2\nxxxx', '1 2 3\nx', '1 2 three\nxxxx'])
      expect(() => decodeRecord('/a', Buffer.from(bytes))).toThrow(/not written by this product/);
  });

  it('come in the stream under their revision; without a record the key was deleted', () => {
    const fields = ['key', '/a', 'record'].map((text) => Buffer.from(text));
    const entry = decodeEntry([Buffer.from('12-0'), [...fields, record('9 12 2', slot)]]);
    expect(entry).toMatchObject({ type: 'put', keyValue: { key: '/a', modRevision: 12, version: 2 } });
    const deleted = decodeEntry([Buffer.from('13-0'), fields.slice(0, 2)]);
    expect(deleted).toEqual({ type: 'delete', key: '/a', revision: 13 });
    expect(() => decodeEntry([Buffer.from('13-1'), fields.slice(0, 2)])).toThrow(/entry 13-1/);
    expect(() => decodeEntry([Buffer.from('13-0'), []])).toThrow(/entry 13-0/);
  });
});
