import { asLogIndex, asMemberId, asTerm } from '#libs/raft';
import type { Entry, Message, MessageType } from '#libs/raft';
import { ByteReader } from '../bytes.js';
import type { ByteWriter } from '../bytes.js';
import { readSnapshotMetadata, writeSnapshotMetadata } from '../configuration-codec.js';
import { ProtocolError } from './frame.js';

// The position in this list is the code on the wire: new types go to the end.
const types: readonly MessageType[] = [
  'requestVote',
  'requestVoteResponse',
  'preVote',
  'preVoteResponse',
  'appendEntries',
  'appendEntriesResponse',
  'heartbeat',
  'heartbeatResponse',
  'installSnapshot',
  'readIndex',
  'readIndexResponse',
  'propose',
  'timeoutNow',
];
const codes = new Map(types.map((type, code) => [type, code]));
const flag = { reject: 1, transfer: 2, snapshot: 4 } as const;

export function writeMessage(writer: ByteWriter, message: Message): void {
  writer.u8(codes.get(message.type) ?? 0);
  writer.u8(
    (message.reject ? flag.reject : 0) |
      (message.transfer ? flag.transfer : 0) |
      (message.snapshot === undefined ? 0 : flag.snapshot),
  );
  writer.u64(message.from);
  writer.u64(message.to);
  writer.u64(message.term);
  writer.u64(message.logIndex);
  writer.u64(message.logTerm);
  writer.u64(message.commit);
  writer.u64(message.rejectHint);
  writer.u64(message.context);
  if (message.snapshot !== undefined) writeSnapshotMetadata(writer, message.snapshot);
  writer.u32(message.entries.length);
  for (const entry of message.entries) {
    writer.u64(entry.term);
    writer.u64(entry.index);
    writer.u8(entry.type === 'configuration' ? 1 : 0);
    writer.u32(entry.data.length);
    writer.raw(entry.data);
  }
}

/** Entries are views of the reader's buffer. */
export function readMessage(reader: ByteReader): Message {
  const type = types[reader.u8()];
  if (type === undefined) throw new ProtocolError('a message of an unknown type');
  const flags = reader.u8();
  const from = asMemberId(reader.u64());
  const to = asMemberId(reader.u64());
  const term = asTerm(reader.u64());
  const logIndex = asLogIndex(reader.u64());
  const logTerm = asTerm(reader.u64());
  const commit = asLogIndex(reader.u64());
  const rejectHint = asLogIndex(reader.u64());
  const context = reader.u64();
  const snapshot = (flags & flag.snapshot) === 0 ? undefined : readSnapshotMetadata(reader);
  const count = reader.u32();
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    entries.push({
      term: asTerm(reader.u64()),
      index: asLogIndex(reader.u64()),
      type: reader.u8() === 1 ? 'configuration' : 'normal',
      data: reader.raw(reader.u32()),
    });
  }
  const reject = (flags & flag.reject) !== 0;
  const transfer = (flags & flag.transfer) !== 0;
  return {
    type,
    from,
    to,
    term,
    logIndex,
    logTerm,
    commit,
    entries,
    reject,
    rejectHint,
    context,
    snapshot,
    transfer,
  };
}

export function readMessages(body: Buffer): Message[] {
  const reader = new ByteReader(body);
  const messages: Message[] = [];
  while (reader.remaining > 0) messages.push(readMessage(reader));
  return messages;
}

/** About how many bytes a message takes, to size its buffer. */
export function messageBytes(message: Message): number {
  let bytes = 160;
  for (const entry of message.entries) bytes += 24 + entry.data.length;
  return bytes;
}
