import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asLogIndex, asMemberId, asTerm } from '#libs/raft';
import type { Message, MessageType } from '#libs/raft';
import { readAnswers, readRequests, writeAnswers, writeRequests } from './client-codec.js';
import { encodeFrame, FrameDecoder, frameKind, maxFrameBytes, ProtocolError } from './frame.js';
import { readNumbers, readProposals, writeNumbers, writeProposals } from './forward-codec.js';
import { decodeHello, encodeHello } from './handshake.js';
import { readMessages, writeMessage } from './message-codec.js';

const natural = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const id = natural.map(asMemberId);
const data = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
const types: MessageType[] = [
  'requestVote',
  'appendEntries',
  'heartbeatResponse',
  'installSnapshot',
  'timeoutNow',
];
const entry = fc.record({
  term: natural.map(asTerm),
  index: natural.map(asLogIndex),
  type: fc.constantFrom('normal' as const, 'configuration' as const),
  data,
});
const configuration = fc.record({
  voters: fc.array(id, { maxLength: 5 }),
  votersOutgoing: fc.array(id, { maxLength: 5 }),
  learners: fc.array(id, { maxLength: 5 }),
  observers: fc.array(id, { maxLength: 5 }),
  context: fc.uint8Array({ maxLength: 64 }),
});
const message: fc.Arbitrary<Message> = fc.record({
  type: fc.constantFrom(...types),
  from: id,
  to: id,
  term: natural.map(asTerm),
  logIndex: natural.map(asLogIndex),
  logTerm: natural.map(asTerm),
  commit: natural.map(asLogIndex),
  entries: fc.array(entry, { maxLength: 4 }),
  reject: fc.boolean(),
  rejectHint: natural.map(asLogIndex),
  context: natural,
  snapshot: fc.option(
    fc.record({ index: natural.map(asLogIndex), term: natural.map(asTerm), configuration }),
    { nil: undefined },
  ),
  transfer: fc.boolean(),
});

/** All frames of a stream that arrives in pieces of these sizes. */
function decode(stream: Buffer, sizes: readonly number[]): { kind: number; body: Buffer }[] {
  const decoder = new FrameDecoder(1 << 20);
  const frames: { kind: number; body: Buffer }[] = [];
  let at = 0;
  for (let i = 0; at < stream.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    decoder.push(stream.subarray(at, at + size), (kind, body) => frames.push({ kind, body }));
    at += size;
  }
  return frames;
}

describe('frames between peers', () => {
  it('come out as they went in, however the stream is cut', () => {
    const batches = fc.array(fc.array(message, { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    });
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(batches, cuts, (sent, sizes) => {
        const stream = sent.map((batch) =>
          encodeFrame(frameKind.messages, (writer) => batch.forEach((one) => writeMessage(writer, one))),
        );
        const received = decode(Buffer.concat(stream), sizes).map(({ body }) => readMessages(body));
        expect(received).toEqual(sent);
      }),
    );
  });

  it('carry proposals and their numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ number: natural, data }), { maxLength: 5 }), (proposals) => {
        const frame = encodeFrame(frameKind.forward, (writer) => writeProposals(writer, proposals));
        expect(readProposals(frame.subarray(5))).toEqual(proposals);
        const numbers = proposals.map(({ number }) => number);
        const refusal = encodeFrame(frameKind.refused, (writer) => writeNumbers(writer, numbers));
        expect(readNumbers(refusal.subarray(5))).toEqual(numbers);
      }),
    );
  });

  it('carry what clients ask, and what they are answered', () => {
    const requests = fc.array(
      fc.oneof(
        fc.record({ number: natural, type: fc.constant('txn' as const), command: data }),
        fc.record({ number: natural, type: fc.constant('get' as const), key: fc.string() }),
      ),
    );
    const answers = fc.array(
      fc.oneof(
        fc.record({
          number: natural,
          type: fc.constant('done' as const),
          succeeded: fc.boolean(),
          revision: natural,
        }),
        fc.record({
          number: natural,
          type: fc.constant('value' as const),
          modRevision: natural,
          value: data,
        }),
        fc.record({
          number: natural,
          type: fc.constant('error' as const),
          code: fc.string(),
          message: fc.string(),
        }),
      ),
    );
    fc.assert(
      fc.property(requests, answers, (asked, answered) => {
        const request = encodeFrame(frameKind.clientRequests, (writer) => writeRequests(writer, asked));
        expect(readRequests(request.subarray(5))).toEqual(asked);
        const answer = encodeFrame(frameKind.clientAnswers, (writer) => writeAnswers(writer, answered));
        expect(readAnswers(answer.subarray(5))).toEqual(answered);
      }),
    );
  });

  it('of a type that does not exist are refused, and not taken for another', () => {
    const body = encodeFrame(frameKind.clientRequests, (writer) => {
      writer.u64(1);
      writer.u8(3);
      writer.text('/a');
    }).subarray(5);
    expect(() => readRequests(body)).toThrow('there is no type 3');
    expect(() => readAnswers(body)).toThrow('there is no type 3');
  });

  it('of any bytes end in a named error or in frames, never in anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          for (const { body } of decode(Buffer.from(bytes), [7])) readMessages(body);
        } catch (error) {
          expect(['ProtocolError', 'MalformedBytesError']).toContain((error as Error).name);
        }
        for (const read of [readRequests, readAnswers]) {
          try {
            read(Buffer.from(bytes));
          } catch (error) {
            expect((error as Error).name).toBe('MalformedBytesError');
          }
        }
      }),
    );
  });

  it('larger than allowed are refused by their header alone', () => {
    const header = Buffer.alloc(5);
    header.writeUInt32LE(5_000, 0);
    expect(() => new FrameDecoder(4_096).push(header, () => undefined)).toThrow(ProtocolError);
  });

  it('larger than any peer would take are not made', () => {
    const body = Buffer.alloc(maxFrameBytes);
    const make = (length: number) => () =>
      encodeFrame(frameKind.forward, (writer) => writer.raw(body.subarray(0, length)), length + 16);
    expect(make(maxFrameBytes - 1)).not.toThrow();
    expect(make(maxFrameBytes)).toThrow(RangeError);
  });

  it('that greet say who calls whom; anything else is no greeting', () => {
    const from = { id: 1, name: 'm1', host: 'there', port: 7001 };
    const hello = { clusterId: 'c', from, to: 2, channel: 'snapshot' as const };
    expect(decodeHello(encodeHello(hello).subarray(5))).toEqual({ ...hello, version: 2 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => decodeHello(Buffer.from(bytes)) === undefined),
    );
  });
});
