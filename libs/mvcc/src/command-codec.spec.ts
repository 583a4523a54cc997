import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError, asRevision, decodeCommand, encodeCommand, stampWidthBytes } from './index.js';
import type { Command, Operation } from './index.js';

const integer = fc.maxSafeNat();
const id = fc.record({ session: integer, sequence: integer, answeredBelow: integer });
// Any code units, lone surrogates and binary keys of etcd's clients included.
const key = fc
  .array(fc.oneof(fc.integer({ min: 32, max: 126 }), fc.integer({ min: 0, max: 0xffff })), { minLength: 1 })
  .map((units) => String.fromCharCode(...units));
const value = fc.uint8Array({ maxLength: 300 });
const put = fc.record(
  { type: fc.constant('put' as const), key, value, lease: fc.integer({ min: 1 }) },
  { requiredKeys: ['type', 'key', 'value'] },
);
const stamped = fc.tuple(put, fc.nat(100), fc.nat(100)).map(([operation, before, after]) => ({
  ...operation,
  value: new Uint8Array(before + stampWidthBytes + after),
  stampOffset: before,
}));
const remove = fc.record(
  { type: fc.constant('delete' as const), key, end: key },
  { requiredKeys: ['type', 'key'] },
);
const get = fc.record(
  { type: fc.constant('get' as const), key, end: key, limit: fc.integer({ min: 1 }) },
  { requiredKeys: ['type', 'key'] },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(put, stamped, remove, get);
const operator = fc.constantFrom('=' as const, '!=' as const, '<' as const, '>' as const);
const compare = fc.oneof(
  fc.record({
    key,
    target: fc.constantFrom(
      'modRevision' as const,
      'createRevision' as const,
      'version' as const,
      'lease' as const,
    ),
    operator,
    operand: integer,
  }),
  fc.record({ key, target: fc.constant('value' as const), operator, operand: value }),
);
const lease = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record(
    {
      type: fc.constant('txn' as const),
      id,
      fence: integer,
      compare: fc.array(compare, { maxLength: 4 }),
      success: fc.array(operation, { maxLength: 4 }),
      failure: fc.array(operation, { maxLength: 4 }),
    },
    { requiredKeys: ['type', 'id', 'compare', 'success', 'failure'] },
  ),
  fc.record({ type: fc.constant('compact' as const), id, revision: integer.map(asRevision) }),
  fc.record({ type: fc.constant('leaseGrant' as const), id, lease, ttlSeconds: lease }),
  fc.record(
    { type: fc.constant('leaseRevoke' as const), id, lease, ifRenewal: integer },
    { requiredKeys: ['type', 'id', 'lease'] },
  ),
  fc.record({ type: fc.constant('leaseRenew' as const), id, lease }),
  fc.record({
    type: fc.constant('alarm' as const),
    id,
    action: fc.constantFrom('raise' as const, 'disarm' as const),
    alarm: fc.constantFrom('noSpace' as const, 'corrupt' as const),
    member: integer,
  }),
  fc.record({ type: fc.constant('hashCheck' as const), id, voters: fc.array(integer, { maxLength: 5 }) }),
  fc.record({
    type: fc.constant('hashReport' as const),
    id,
    check: integer,
    member: integer,
    hash: integer,
  }),
);

describe('the bytes of a command', () => {
  it('decode to the command that was encoded', () => {
    fc.assert(
      fc.property(command, (original) => {
        expect(decodeCommand(encodeCommand(original))).toEqual(original);
      }),
      { numRuns: 500 },
    );
  });

  it('cut short anywhere are refused', () => {
    fc.assert(
      fc.property(command, fc.nat(), (original, cut) => {
        const bytes = encodeCommand(original);
        expect(() => decodeCommand(bytes.subarray(0, cut % bytes.length))).toThrow(DecodeError);
      }),
      { numRuns: 300 },
    );
  });

  it('that are damaged are refused or are another command, and never anything worse', () => {
    const survives = (bytes: Uint8Array): void => {
      try {
        // What decodes must be a command that could have been encoded.
        encodeCommand(decodeCommand(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    };
    fc.assert(
      fc.property(command, fc.nat(), fc.nat(255), (original, at, byte) => {
        const bytes = encodeCommand(original);
        bytes[at % bytes.length] = byte;
        survives(bytes);
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => survives(Uint8Array.from([1, 0, ...bytes]))),
      { numRuns: 1000 },
    );
  });

  it('carry binary values and keys beyond a varint byte or an argument list unchanged', () => {
    const original: Command = {
      type: 'txn',
      id: { session: Number.MAX_SAFE_INTEGER, sequence: 2 ** 31, answeredBelow: 2 ** 32 },
      compare: [],
      success: [{ type: 'put', key: 'k\u00ff'.repeat(10_000), value: new Uint8Array(70_000).fill(255) }],
      failure: [{ type: 'delete', key: '\ud800\u0100'.repeat(5_000) }],
    };
    const decoded = decodeCommand(encodeCommand(original));
    // Compared as text: a deep comparison of so many bytes takes its time.
    const plain = (_: string, field: unknown): unknown =>
      field instanceof Uint8Array ? Buffer.from(field).toString('hex') : field;
    expect(JSON.stringify(decoded, plain) === JSON.stringify(original, plain)).toBe(true);
  });
});

describe('what is wrong is named', () => {
  const base: Command = {
    type: 'compact',
    id: { session: 1, sequence: 1, answeredBelow: 1 },
    revision: asRevision(5),
  };

  it.each([
    ['unknown format version 9', Uint8Array.from([9, 1, 1, 1, 1, 5])],
    ['unknown command type', Uint8Array.from([1, 99, 1, 1, 1, 5])],
    ['revision is cut off', encodeCommand(base).subarray(0, 5)],
    ['1 bytes too many', Uint8Array.from([...encodeCommand(base), 0])],
    ['sequence is no safe integer', Uint8Array.from([1, 1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 1])],
    ['success operation count 100 is more than the bytes left', Uint8Array.from([1, 0, 1, 1, 1, 0, 0, 100])],
    ['alarm has one space only', Uint8Array.from([1, 0x86, 1, 1, 1, 0, 0, 1])],
    ['unknown alarm type', Uint8Array.from([1, 6, 1, 1, 1, 0, 9, 1])],
    ['lease is 0', Uint8Array.from([1, 4, 1, 1, 1, 0])],
  ])('%s', (message, bytes) => {
    expect(() => decodeCommand(bytes)).toThrow(message);
  });

  it('a slot that lies outside its value, on either side', () => {
    const bytes = new Uint8Array(20);
    const success: Operation[] = [{ type: 'put', key: 'a', value: bytes, stampOffset: 3 }];
    const id = { session: 1, sequence: 1, answeredBelow: 1 };
    expect(() => encodeCommand({ type: 'txn', id, compare: [], success, failure: [] })).toThrow(
      "stampOffset 3 and its 18 bytes exceed the value's 20",
    );
    const valid = encodeCommand({
      type: 'txn',
      id,
      compare: [],
      success: [{ type: 'put', key: 'a', value: bytes, stampOffset: 2 }],
      failure: [],
    });
    valid[valid.length - 2] = 3;
    expect(() => decodeCommand(valid)).toThrow('stampOffset 3');
  });

  it('a number that no decoder would take is not encoded', () => {
    expect(() => encodeCommand({ ...base, revision: asRevision(-1) })).toThrow(RangeError);
    expect(() => encodeCommand({ ...base, revision: asRevision(0.5) })).toThrow(RangeError);
  });
});
