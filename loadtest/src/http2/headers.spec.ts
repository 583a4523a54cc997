import { describe, expect, it } from 'vitest';
import { decodeStatus } from './headers.js';

describe('the status of an answer', () => {
  it.each([
    ['indexed', '88', 200],
    ['indexed', '8d', 404],
    ['a literal in plain text', '0803323031', 201],
    ['a literal in Huffman code', '48826402', 302],
    ['a literal by the name of another status', '0e82100300861d', 201],
    ['behind an update of the table size', '2088', 200],
    ['behind two updates, one of several bytes', '203fe11f88', 200],
  ])('is read: %s', (_, block, status) => {
    expect(decodeStatus(Buffer.from(block, 'hex'))).toBe(status);
  });

  it('is missed aloud', () => {
    expect(() => decodeStatus(Buffer.from('82', 'hex'))).toThrow('does not begin with its status: 82');
  });
});
