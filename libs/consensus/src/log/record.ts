import { crc32 } from 'node:zlib';
import { asLogIndex, asTerm } from '#libs/raft';
import type { Entry, HardState, LogIndex, SnapshotMetadata, Term } from '#libs/raft';
import { ByteReader, ByteWriter } from '../bytes.js';
import {
  readHardState,
  readSnapshotMetadata,
  writeHardState,
  writeSnapshotMetadata,
} from '../configuration-codec.js';

/** What stands first in every segment, so that earlier segments can go without losing anything. */
export interface SegmentHead {
  readonly clusterId: string;
  readonly memberId: number;
  readonly hardState: HardState;
  /** Last entry before this segment. */
  readonly previousIndex: LogIndex;
  readonly previousTerm: Term;
  /** The newest snapshot that was durable when the segment began. */
  readonly snapshot: SnapshotMetadata | undefined;
}

export type LogItem =
  | { readonly type: 'head'; readonly head: SegmentHead }
  | {
      readonly type: 'entry';
      readonly entry: Entry;
      /** Read back: where its bytes stand. */ readonly dataAt?: number;
    }
  | { readonly type: 'hardState'; readonly hardState: HardState }
  /** A received snapshot: the log restarts behind it. */
  | { readonly type: 'install'; readonly snapshot: SnapshotMetadata };

export const recordHeaderBytes = 32;
const magic = 0x57_49_52_54;
/** The first bytes of every record. */
export const recordMagic = Buffer.from('TRIW', 'latin1');
const alignmentBytes = 8;
const itemType = { entry: 1, hardState: 2, install: 3, head: 4 } as const;

/** CRC of a record's header and payload start from these: `salt` ties a record to its file, `chain` to its predecessor. */
export interface RecordSeeds {
  readonly salt: number;
  readonly chain: number;
}

function writeItem(writer: ByteWriter, item: LogItem, entriesAt: number[]): void {
  const lengthAt = writer.length;
  writer.u32(0);
  writer.u8(itemType[item.type]);
  switch (item.type) {
    case 'entry':
      writer.u64(item.entry.term);
      writer.u64(item.entry.index);
      writer.u8(item.entry.type === 'configuration' ? 1 : 0);
      entriesAt.push(writer.length);
      writer.raw(item.entry.data);
      break;
    case 'hardState':
      writeHardState(writer, item.hardState);
      break;
    case 'install':
      writeSnapshotMetadata(writer, item.snapshot);
      break;
    case 'head':
      writer.text(item.head.clusterId);
      writer.u64(item.head.memberId);
      writeHardState(writer, item.head.hardState);
      writer.u64(item.head.previousIndex);
      writer.u64(item.head.previousTerm);
      writer.u8(item.head.snapshot === undefined ? 0 : 1);
      if (item.head.snapshot !== undefined) writeSnapshotMetadata(writer, item.head.snapshot);
      break;
  }
  writer.patchU32(lengthAt, writer.length - lengthAt - 5);
}

function readItem(reader: ByteReader): LogItem {
  const length = reader.u32();
  const type = reader.u8();
  const start = reader.position;
  const body = new ByteReader(reader.buffer, start, start + length);
  reader.raw(length);
  switch (type) {
    case itemType.entry: {
      const term = asTerm(body.u64());
      const index = asLogIndex(body.u64());
      const kind = body.u8() === 1 ? 'configuration' : 'normal';
      const dataAt = body.position;
      // Copied: a view would keep the whole segment's buffer in memory.
      const data = Uint8Array.from(body.raw(body.remaining));
      return { type: 'entry', entry: { term, index, type: kind, data }, dataAt };
    }
    case itemType.hardState:
      return { type: 'hardState', hardState: readHardState(body) };
    case itemType.install:
      return { type: 'install', snapshot: readSnapshotMetadata(body) };
    case itemType.head:
      return { type: 'head', head: readHead(body) };
    default:
      throw new Error(`unknown item type ${type}`);
  }
}

function readHead(body: ByteReader): SegmentHead {
  return {
    clusterId: body.text(),
    memberId: body.u64(),
    hardState: readHardState(body),
    previousIndex: asLogIndex(body.u64()),
    previousTerm: asTerm(body.u64()),
    snapshot: body.u8() === 1 ? readSnapshotMetadata(body) : undefined,
  };
}

export interface EncodedRecord {
  readonly bytes: Buffer;
  readonly chain: number;
  /** Per entry, in order: where its bytes stand in the record. */
  readonly entriesAt: readonly number[];
}

/**
 * One durable unit of the log: everything one write and one sync carry. Layout, little-endian:
 * `magic u32 · header CRC u32 · sequence u64 · payload length u32 · payload CRC u32 · 0 u64 · payload`,
 * padded to 8 bytes. The payload's CRC starts from its predecessor's, so a lost or foreign record
 * in the middle breaks the chain.
 */
export function encodeRecord(sequence: number, items: readonly LogItem[], seeds: RecordSeeds): EncodedRecord {
  let estimate = recordHeaderBytes + alignmentBytes;
  for (const item of items) estimate += item.type === 'entry' ? 32 + item.entry.data.length : 256;
  const writer = new ByteWriter(estimate);
  for (let i = 0; i < recordHeaderBytes; i += 4) writer.u32(0);
  const entriesAt: number[] = [];
  for (const item of items) writeItem(writer, item, entriesAt);
  const payloadLength = writer.length - recordHeaderBytes;
  while (writer.length % alignmentBytes !== 0) writer.u8(0);
  const bytes = writer.bytes();
  const chain = crc32(bytes.subarray(recordHeaderBytes, recordHeaderBytes + payloadLength), seeds.chain);
  writer.patchU32(0, magic);
  writer.patchU64(8, sequence);
  writer.patchU32(16, payloadLength);
  writer.patchU32(20, chain);
  writer.patchU32(4, crc32(bytes.subarray(8, recordHeaderBytes), seeds.salt));
  return { bytes, chain, entriesAt };
}

export interface RecordHeader {
  readonly sequence: number;
  readonly payloadLength: number;
  readonly payloadCrc: number;
}

/** The header at an offset, or undefined when there is none that holds. */
export function readRecordHeader(segment: Buffer, at: number, salt: number): RecordHeader | undefined {
  if (at + recordHeaderBytes > segment.length || segment.readUInt32LE(at) !== magic) return undefined;
  if (segment.readUInt32LE(at + 4) !== crc32(segment.subarray(at + 8, at + recordHeaderBytes), salt))
    return undefined;
  const reader = new ByteReader(segment, at + 8);
  return { sequence: reader.u64(), payloadLength: reader.u32(), payloadCrc: reader.u32() };
}

/** The record at an offset, or undefined when it is absent, cut short or damaged. */
export function decodeRecord(
  segment: Buffer,
  at: number,
  seeds: RecordSeeds,
):
  | {
      readonly sequence: number;
      readonly items: readonly LogItem[];
      readonly chain: number;
      readonly next: number;
    }
  | undefined {
  const header = readRecordHeader(segment, at, seeds.salt);
  if (header === undefined) return undefined;
  const start = at + recordHeaderBytes;
  const end = start + header.payloadLength;
  if (end > segment.length) return undefined;
  const chain = crc32(segment.subarray(start, end), seeds.chain);
  if (chain !== header.payloadCrc) return undefined;
  const reader = new ByteReader(segment, start, end);
  const items: LogItem[] = [];
  while (reader.remaining > 0) items.push(readItem(reader));
  const next = Math.ceil(end / alignmentBytes) * alignmentBytes;
  return { sequence: header.sequence, items, chain, next };
}
