import { join } from 'node:path';
import { asLogIndex, asMemberId, asTerm } from '#libs/raft';
import type { Entry, HardState, SnapshotMetadata } from '#libs/raft';
import type { Disk } from '../environment/disk.js';
import { DataDirectoryError, rebuildAdvice } from '../errors.js';
import { EntryWindow } from './entry-window.js';
import type { EntryPlace } from './entry-window.js';
import { decodeRecord, readRecordHeader, recordMagic } from './record.js';
import type { LogItem, RecordSeeds, SegmentHead } from './record.js';
import { listSegments, readSegmentHeader, segmentHeaderBytes, segmentName, zeroTail } from './segment.js';

/** Where the log stood when the process ended. */
export interface ReplayedLog {
  readonly window: EntryWindow;
  readonly hardState: HardState;
  /** The newest snapshot the log knows of: a received one, or the newest durable one at a segment's start. */
  readonly snapshot: SnapshotMetadata | undefined;
  readonly nextSequence: number;
  /** Per segment file, oldest first. */
  readonly segments: readonly { readonly number: number; readonly maxIndex: number }[];
  /** Of the last segment: where and how appending goes on. */
  readonly tail:
    | { readonly salt: number; readonly chain: number; readonly position: number; readonly sizeBytes: number }
    | undefined;
  /** Bytes that were cut because a crash interrupted their write. */
  readonly tornAt: number | undefined;
}

export interface LogIdentity {
  readonly clusterId: string;
  readonly memberId: number;
}

interface Progress {
  readonly window: EntryWindow;
  hardState: HardState;
  snapshot: SnapshotMetadata | undefined;
  nextSequence: number;
  maxIndex: number;
  /** The window begins where the first segment says that the log stood, not behind a snapshot that was installed. */
  beginsAtHead: boolean;
}

function damaged(path: string, at: number, what: string): DataDirectoryError {
  return new DataDirectoryError(
    'Damaged',
    `the log file ${path} is damaged at byte ${at}: ${what}. ${rebuildAdvice}`,
  );
}

function takeHead(
  progress: Progress,
  head: SegmentHead,
  identity: LogIdentity,
  first: boolean,
  path: string,
): void {
  if (head.clusterId !== identity.clusterId || head.memberId !== identity.memberId) {
    throw new DataDirectoryError(
      'Foreign',
      `the log file ${path} belongs to member ${head.memberId} of cluster ${head.clusterId}, not to member ${identity.memberId} of ${identity.clusterId}. Start with the data directory of this member.`,
    );
  }
  if (first) {
    progress.window.reset(head.previousIndex, head.previousTerm);
    progress.hardState = head.hardState;
    progress.snapshot = head.snapshot;
    progress.beginsAtHead = true;
  }
}

/**
 * When the segment began, the log held a tail that was not committed, and this entry replaced part of it. The files of
 * that tail have gone since, which a snapshot of at least its end allowed: so what is before this entry is in that
 * snapshot, and so is this entry itself. The log begins with it, as its term is known and that of its predecessor is not.
 */
function takeOverHead(progress: Progress, { index, term }: Entry): void {
  if (progress.beginsAtHead && index < progress.window.firstIndex) progress.window.reset(index, term);
}

function takeItem(progress: Progress, item: LogItem, segment: number): void {
  switch (item.type) {
    case 'entry':
      takeOverHead(progress, item.entry);
      if (item.entry.index < progress.window.firstIndex) break;
      progress.window.append([item.entry], [{ segment, offset: item.dataAt ?? 0 }]);
      progress.maxIndex = Math.max(progress.maxIndex, item.entry.index);
      break;
    case 'hardState':
      progress.hardState = item.hardState;
      break;
    case 'install':
      progress.window.reset(item.snapshot.index, item.snapshot.term);
      progress.snapshot = item.snapshot;
      progress.beginsAtHead = false;
      break;
    case 'head':
      throw new Error('a head stands only at the start of a segment');
  }
}

/**
 * Whether a record that was written after the one at `at` is in the file. Records are written one at a
 * time, each only once its predecessor is durable: then the one at `at` had been durable as well, so
 * this is damage. Otherwise it is the last write, cut short by a crash.
 */
function laterRecordExists(bytes: Buffer, at: number, salt: number, expected: number): number | undefined {
  for (
    let offset = bytes.indexOf(recordMagic, at);
    offset !== -1;
    offset = bytes.indexOf(recordMagic, offset + 1)
  ) {
    const header = readRecordHeader(bytes, offset, salt);
    if (header !== undefined && header.sequence > expected) return offset;
  }
  return undefined;
}

const zeros = Buffer.alloc(1 << 20);

/** By comparison in large pieces: a segment is mostly unused, and every start reads it. */
function isZero(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at += zeros.length) {
    const length = Math.min(zeros.length, bytes.length - at);
    if (bytes.compare(zeros, 0, length, at, at + length) !== 0) return false;
  }
  return true;
}

/** Checksums that hold over what no log has written: a program of another version, or somebody's own work. */
function decode(
  bytes: Buffer,
  at: number,
  seeds: RecordSeeds,
  path: string,
): ReturnType<typeof decodeRecord> {
  try {
    return decodeRecord(bytes, at, seeds);
  } catch (error) {
    throw damaged(path, at, error instanceof Error ? error.message : String(error));
  }
}

function replaySegment(
  directory: string,
  number: number,
  position: { readonly first: boolean; readonly last: boolean },
  identity: LogIdentity,
  progress: Progress,
  disk: Disk,
): NonNullable<ReplayedLog['tail']> & { readonly tornAt: number | undefined } {
  const path = join(directory, segmentName(number));
  const bytes = disk.readFileSync(path);
  const header = readSegmentHeader(bytes, number);
  if (header === undefined) throw damaged(path, 0, 'its header does not hold');
  const { salt, sizeBytes } = header;
  if (bytes.length < sizeBytes)
    throw damaged(path, bytes.length, `it ends there, although it was made ${sizeBytes} bytes long`);
  let at = segmentHeaderBytes;
  let chain = salt;
  let isHead = true;
  for (;;) {
    const record = decode(bytes, at, { salt, chain }, path);
    if (record === undefined) break;
    if (progress.nextSequence !== 0 && record.sequence !== progress.nextSequence) {
      throw damaged(
        path,
        at,
        `record ${progress.nextSequence} is missing, ${record.sequence} stands in its place`,
      );
    }
    progress.nextSequence = record.sequence + 1;
    for (const item of record.items) {
      if (isHead && item.type === 'head') takeHead(progress, item.head, identity, position.first, path);
      else {
        try {
          takeItem(progress, item, number);
        } catch (error) {
          throw damaged(path, at, error instanceof Error ? error.message : String(error));
        }
      }
    }
    if (isHead && record.items[0]?.type !== 'head') throw damaged(path, at, 'the first record is no head');
    isHead = false;
    chain = record.chain;
    at = record.next;
  }
  if (isHead) throw damaged(path, at, 'its head record does not hold');
  const later = laterRecordExists(bytes, at, salt, progress.nextSequence);
  if (later !== undefined) {
    throw damaged(
      path,
      at,
      `record ${progress.nextSequence} does not hold, but a later one follows at ${later}`,
    );
  }
  const torn = !isZero(bytes, at);
  if (torn && !position.last) throw damaged(path, at, 'records end early in a segment that has a successor');
  if (torn) zeroTail(path, at, disk);
  return { salt, chain, position: at, sizeBytes: bytes.length, tornAt: torn ? at : undefined };
}

/** Reads bytes of an entry back from its file, for a window of the log in this directory. */
function readFrom(directory: string, disk: Disk): (place: EntryPlace, length: number) => Uint8Array {
  return ({ segment, offset }, length) => {
    const fd = disk.openSync(join(directory, segmentName(segment)), 'r');
    try {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const read = disk.readSync(fd, bytes, at, length - at, offset + at);
        if (read === 0) throw new Error(`log file ${segment} ends before byte ${offset + length}`);
        at += read;
      }
      return bytes;
    } finally {
      disk.closeSync(fd);
    }
  };
}

/** Reads all segments in order. Cuts a torn tail; throws DataDirectoryError on damage anywhere else. */
export function replayLog(
  directory: string,
  identity: LogIdentity,
  memoryBytesMax: number,
  disk: Disk,
): ReplayedLog {
  const numbers = listSegments(directory, disk);
  const progress: Progress = {
    window: new EntryWindow(
      { index: asLogIndex(0), term: asTerm(0) },
      memoryBytesMax,
      readFrom(directory, disk),
    ),
    hardState: { term: asTerm(0), vote: asMemberId(0), commit: asLogIndex(0) },
    snapshot: undefined,
    nextSequence: 0,
    maxIndex: 0,
    beginsAtHead: false,
  };
  const segments: { number: number; maxIndex: number }[] = [];
  let tail: ReplayedLog['tail'];
  let tornAt: number | undefined;
  numbers.forEach((number, i) => {
    const previous = numbers[i - 1];
    if (previous !== undefined && number !== previous + 1) {
      const missing = join(directory, segmentName(previous + 1));
      throw new DataDirectoryError('Damaged', `the log file ${missing} is missing. ${rebuildAdvice}`);
    }
    progress.maxIndex = 0;
    const place = { first: i === 0, last: i === numbers.length - 1 };
    const end = replaySegment(directory, number, place, identity, progress, disk);
    segments.push({ number, maxIndex: progress.maxIndex });
    tail = end;
    tornAt = end.tornAt;
  });
  return {
    window: progress.window,
    hardState: progress.hardState,
    snapshot: progress.snapshot,
    nextSequence: progress.nextSequence === 0 ? 1 : progress.nextSequence,
    segments,
    tail,
    tornAt,
  };
}
