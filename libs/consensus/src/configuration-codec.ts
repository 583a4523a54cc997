import { asLogIndex, asMemberId, asTerm } from '#libs/raft';
import type { Configuration, HardState, MemberId, SnapshotMetadata } from '#libs/raft';
import type { ByteReader, ByteWriter } from './bytes.js';

function writeIds(writer: ByteWriter, ids: readonly MemberId[]): void {
  writer.u32(ids.length);
  for (const id of ids) writer.u64(id);
}

function readIds(reader: ByteReader): MemberId[] {
  const count = reader.u32();
  const ids: MemberId[] = [];
  for (let i = 0; i < count; i++) ids.push(asMemberId(reader.u64()));
  return ids;
}

export function writeConfiguration(writer: ByteWriter, configuration: Configuration): void {
  writeIds(writer, configuration.voters);
  writeIds(writer, configuration.votersOutgoing);
  writeIds(writer, configuration.learners);
  writeIds(writer, configuration.observers);
  writer.u32(configuration.context.length);
  writer.raw(configuration.context);
}

export function readConfiguration(reader: ByteReader): Configuration {
  return {
    voters: readIds(reader),
    votersOutgoing: readIds(reader),
    learners: readIds(reader),
    observers: readIds(reader),
    context: new Uint8Array(reader.raw(reader.u32())),
  };
}

export function writeSnapshotMetadata(writer: ByteWriter, metadata: SnapshotMetadata): void {
  writer.u64(metadata.index);
  writer.u64(metadata.term);
  writeConfiguration(writer, metadata.configuration);
}

export function readSnapshotMetadata(reader: ByteReader): SnapshotMetadata {
  return {
    index: asLogIndex(reader.u64()),
    term: asTerm(reader.u64()),
    configuration: readConfiguration(reader),
  };
}

export function writeHardState(writer: ByteWriter, state: HardState): void {
  writer.u64(state.term);
  writer.u64(state.vote);
  writer.u64(state.commit);
}

export function readHardState(reader: ByteReader): HardState {
  return { term: asTerm(reader.u64()), vote: asMemberId(reader.u64()), commit: asLogIndex(reader.u64()) };
}
