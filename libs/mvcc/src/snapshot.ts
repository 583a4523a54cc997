import { Alarms } from './alarms.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { DecodeError, SnapshotError } from './errors.js';
import { FrameReader, frame } from './frames.js';
import { HashCheck } from './hash-check.js';
import { RunningHash } from './hash.js';
import { KeySpace } from './key-space.js';
import { Leases } from './leases.js';
import { Sessions } from './sessions.js';
import { createSpace } from './space.js';
import type { Space } from './space.js';
import { asRevision } from './types.js';
import type { KeyValue, Revision, SpaceName, StoreEvent } from './types.js';

/** Everything that a store is. */
export interface StoreState {
  readonly spaces: Readonly<Record<SpaceName, Space>>;
  readonly sessions: Sessions;
  readonly hash: RunningHash;
  readonly alarms: Alarms;
  readonly hashCheck: HashCheck;
  readonly appliedIndex: number;
}

// A snapshot is a sequence of frames: a header, then the Kubernetes space, then the etcd space. A space is a header of
// its own, then the keys as of just below the compacted revision, then every retained event, then an end that counts what
// was written. Replaying the events over the keys rebuilds live state and history alike, so that neither is written twice.
const magic = 'trireme-mvcc';
const spaceMagic = 'trireme-mvcc-space';
/** 1 had the Kubernetes space alone, 2 no alarms; both are still read. */
const formatVersion = 3;
const frameBytes = 256 * 1024;
const keysPerStep = 10_000;
const kind = { end: 0, record: 1, put: 2, delete: 3 } as const;

/** Captures the state now; encodes it while it is iterated, undisturbed by later writes. */
export function writeSnapshot(state: StoreState): Iterable<Uint8Array> {
  const header = new ByteWriter(4096);
  header.text(magic);
  header.byte(formatVersion);
  header.integer(state.appliedIndex);
  const { low, high } = state.hash.lanes();
  header.fixed32(low);
  header.fixed32(high);
  state.sessions.write(header);
  state.alarms.write(header);
  state.hashCheck.write(header);
  return joined(header.finish(), [state.spaces.kubernetes, state.spaces.etcd]);
}

/** One space alone, under its own magic. */
export function writeSpaceSnapshot(space: Space): Iterable<Uint8Array> {
  const header = new ByteWriter(64);
  header.text(spaceMagic);
  header.byte(formatVersion);
  return joined(header.finish(), [space]);
}

function joined(header: Uint8Array, spaces: readonly Space[]): Iterable<Uint8Array> {
  const frozen = spaces.map(freeze);
  return {
    *[Symbol.iterator]() {
      yield frame(header);
      for (const space of frozen) yield* encodeSpace(space);
    },
  };
}

/** A space as it was, whatever is written to it later. */
interface FrozenSpace {
  readonly header: Uint8Array;
  readonly live: Iterable<KeyValue>;
  readonly events: Iterable<StoreEvent>;
  readonly from: number;
}

function freeze({ keys, leases }: Space): FrozenSpace {
  const header = new ByteWriter(4096);
  header.integer(keys.revision);
  header.integer(keys.compactedRevision);
  leases.write(header);
  const from = keys.compactedRevision;
  return { header: header.finish(), live: keys.liveView(), events: keys.eventView(from), from };
}

function* encodeSpace({ header, live, events, from }: FrozenSpace): Generator<Uint8Array, void, undefined> {
  yield frame(header);
  let writer = new ByteWriter(frameBytes + 4096);
  let records = 0;
  let changes = 0;
  for (const keyValue of baseRecords(live, events, from)) {
    writeRecord(writer, keyValue);
    records++;
    if (writer.lengthBytes < frameBytes) continue;
    yield frame(writer.finish());
    writer = new ByteWriter(frameBytes + 4096);
  }
  for (const event of events) {
    writeEvent(writer, event);
    changes++;
    if (writer.lengthBytes < frameBytes) continue;
    yield frame(writer.finish());
    writer = new ByteWriter(frameBytes + 4096);
  }
  writer.byte(kind.end);
  writer.integer(records);
  writer.integer(changes);
  yield frame(writer.finish());
}

/** The keys before the retained events: what lives unchanged since, and what the first event of a key superseded. */
function* baseRecords(
  live: Iterable<KeyValue>,
  events: Iterable<StoreEvent>,
  from: number,
): Generator<KeyValue, void, undefined> {
  for (const keyValue of live) if (keyValue.modRevision < from) yield keyValue;
  for (const { previous } of events) {
    if (previous !== undefined && previous.modRevision < from) yield previous;
  }
}

function writeRecord(writer: ByteWriter, keyValue: KeyValue): void {
  writer.byte(kind.record);
  writer.text(keyValue.key);
  writer.bytes(keyValue.value);
  writer.integer(keyValue.createRevision);
  writer.integer(keyValue.modRevision);
  writer.integer(keyValue.version);
  writer.integer(keyValue.lease);
}

function writeEvent(writer: ByteWriter, event: StoreEvent): void {
  const { key, modRevision, value, lease } = event.keyValue;
  writer.byte(event.type === 'put' ? kind.put : kind.delete);
  writer.integer(modRevision);
  writer.text(key);
  if (event.type === 'delete') return;
  writer.bytes(value);
  writer.integer(lease);
}

/** Yields between pieces of work of a millisecond or two, so that whoever is in a hurry can do something else meanwhile. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Reads a frame a step. Throws SnapshotError; see restoreStore. */
export function* readSnapshot(chunks: Iterable<Uint8Array>): Steps<StoreState> {
  try {
    return yield* readFrames(new FrameReader(chunks));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new SnapshotError(`damaged snapshot: ${error.message}`, { cause: error });
  }
}

function* readFrames(frames: FrameReader): Steps<StoreState> {
  const header = new ByteReader(frames.next('the header'));
  if (header.text('magic') !== magic) throw new SnapshotError('not a snapshot of a store');
  const version = header.byte('format version');
  if (version < 1 || version > formatVersion) throw new SnapshotError(`unknown snapshot format ${version}`);
  const appliedIndex = header.integer('applied index');
  if (version === 1) return yield* readFirstFormat(header, appliedIndex, frames);
  const hash = readHash(header);
  const sessions = Sessions.read(header);
  const alarms = version < 3 ? new Alarms() : Alarms.read(header);
  const hashCheck = version < 3 ? new HashCheck() : HashCheck.read(header);
  const spaces = { kubernetes: yield* readSpace(frames), etcd: yield* readSpace(frames) };
  frames.expectEnd();
  return { spaces, sessions, hash, alarms, hashCheck, appliedIndex };
}

function readHash(header: ByteReader): RunningHash {
  return new RunningHash(header.fixed32('hash') | 0, header.fixed32('hash') | 0);
}

/** Of a version that knew one space, whose header was the snapshot's. */
function* readFirstFormat(header: ByteReader, appliedIndex: number, frames: FrameReader): Steps<StoreState> {
  const revision = asRevision(header.integer('revision'));
  const compacted = asRevision(header.integer('compacted revision'));
  const hash = readHash(header);
  const leases = Leases.read(header);
  const sessions = Sessions.read(header);
  const kubernetes = yield* readKeys(frames, revision, compacted, leases);
  frames.expectEnd();
  const spaces = { kubernetes, etcd: createSpace() };
  return { spaces, sessions, hash, alarms: new Alarms(), hashCheck: new HashCheck(), appliedIndex };
}

function* readSpace(frames: FrameReader): Steps<Space> {
  const header = new ByteReader(frames.next('the header of a key space'));
  const revision = asRevision(header.integer('revision'));
  const compacted = asRevision(header.integer('compacted revision'));
  return yield* readKeys(frames, revision, compacted, Leases.read(header));
}

function* readKeys(
  frames: FrameReader,
  revision: Revision,
  compacted: Revision,
  leases: Leases,
): Steps<Space> {
  const keys = new KeySpace();
  keys.compactedRevision = compacted;
  yield* readContents(frames, keys);
  keys.revision = revision;
  let attached = 0;
  for (const { lease, key } of keys.liveView()) {
    leases.attach(lease, key);
    if (++attached % keysPerStep === 0) yield undefined;
  }
  return { keys, leases };
}

function* readContents(frames: FrameReader, keys: KeySpace): Steps<void> {
  let records = 0;
  let changes = 0;
  for (;;) {
    yield undefined;
    const reader = new ByteReader(frames.next('keys and events'));
    while (reader.remainingBytes > 0) {
      const next = reader.byte('item kind');
      if (next === kind.end) {
        if (reader.integer('key count') !== records || reader.integer('event count') !== changes) {
          throw new SnapshotError('damaged snapshot: parts of it are missing');
        }
        return;
      }
      if (next === kind.record) {
        keys.load(readRecord(reader));
        records++;
      } else if (next === kind.put || next === kind.delete) {
        replay(reader, next === kind.put, keys);
        changes++;
      } else reader.fail(`unknown item kind ${next}`);
    }
  }
}

function readRecord(reader: ByteReader): KeyValue {
  const key = reader.text('key');
  const value = new Uint8Array(reader.bytes('value'));
  const createRevision = asRevision(reader.integer('create revision'));
  const modRevision = asRevision(reader.integer('mod revision'));
  const version = reader.integer('version');
  return { key, value, createRevision, modRevision, version, lease: reader.integer('lease') };
}

function replay(reader: ByteReader, isPut: boolean, keys: KeySpace): void {
  const revision = asRevision(reader.integer('event revision'));
  const key = reader.text('event key');
  if (isPut) {
    const value = new Uint8Array(reader.bytes('event value'));
    keys.put(revision, key, value, reader.integer('event lease'));
  } else if (keys.delete(revision, key) === undefined) {
    reader.fail(`the deleted key of revision ${revision} did not exist`);
  }
}
