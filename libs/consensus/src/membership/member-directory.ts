import { asMemberId, membersOf } from '#libs/raft';
import type { Configuration } from '#libs/raft';
import { ByteReader, ByteWriter } from '../bytes.js';

/** A server of the group and where its peers reach it. */
export interface MemberAddress {
  /** Positive safe integer, never reused. */
  readonly id: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** One of the first members of a cluster, as configured before it exists. */
export interface InitialMember extends MemberAddress {
  /** Holds the state and serves it, but has no vote. Default false. */
  readonly observer?: boolean;
}

export interface Member extends MemberAddress {
  readonly role: 'voter' | 'learner' | 'observer';
}

/**
 * Who the members are, beside the lists of ids that the core decides by: the context of a configuration. An id from
 * `nextId` on was never given; one below it that is no member was removed.
 */
export interface MemberDirectory {
  readonly nextId: number;
  readonly members: readonly MemberAddress[];
}

const formatVersion = 1;

/** Layout: version u8, nextId u64, count u32, then for each id u64, name, host, port u32. */
export function encodeDirectory({ nextId, members }: MemberDirectory): Uint8Array {
  const writer = new ByteWriter(256);
  writer.u8(formatVersion);
  writer.u64(nextId);
  writer.u32(members.length);
  for (const member of members) writeAddress(writer, member);
  return new Uint8Array(writer.bytes());
}

export function writeAddress(writer: ByteWriter, { id, name, host, port }: MemberAddress): void {
  writer.u64(id);
  writer.text(name);
  writer.text(host);
  writer.u32(port);
}

export function readAddress(reader: ByteReader): MemberAddress {
  return { id: reader.u64(), name: reader.text(), host: reader.text(), port: reader.u32() };
}

/** Throws when the context is not one of ours. That of a server which knows no configuration yet is empty. */
export function directoryOf({ context }: Configuration): MemberDirectory {
  if (context.length === 0) return { nextId: 0, members: [] };
  const reader = new ByteReader(Buffer.from(context));
  const version = reader.u8();
  if (version !== formatVersion) throw new Error(`a member directory of unknown version ${version}`);
  const nextId = reader.u64();
  return { nextId, members: Array.from({ length: reader.u32() }, () => readAddress(reader)) };
}

/** The configuration that a cluster begins with. The same members make the same bytes. */
export function initialConfiguration(members: readonly InitialMember[]): Configuration {
  const sorted = members.toSorted((a, b) => a.id - b.id);
  const idsOf = (observers: boolean): ReturnType<typeof asMemberId>[] =>
    sorted.filter(({ observer = false }) => observer === observers).map(({ id }) => asMemberId(id));
  const nextId = Math.max(0, ...sorted.map(({ id }) => id)) + 1;
  return {
    voters: idsOf(false),
    votersOutgoing: [],
    learners: [],
    observers: idsOf(true),
    context: encodeDirectory({ nextId, members: sorted }),
  };
}

/**
 * The members that a configuration names. An address that this process was started with goes before the replicated one:
 * that is how a whole cluster moves. Before a new server knows any configuration, they are all that it knows.
 */
export function membersIn(configuration: Configuration, given: readonly MemberAddress[]): readonly Member[] {
  const ids = membersOf(configuration);
  if (ids.length === 0) return given.map((member) => ({ ...member, role: 'voter' }));
  const { members } = directoryOf(configuration);
  return ids.flatMap((id) => {
    const recorded = members.find((member) => member.id === id);
    const local = given.find((member) => member.id === id && member.name === (recorded?.name ?? member.name));
    const known = local ?? recorded;
    return known === undefined ? [] : [{ ...addressOf(known), role: roleIn(configuration, id) }];
  });
}

const addressOf = ({ id, name, host, port }: MemberAddress): MemberAddress => ({ id, name, host, port });

function roleIn({ learners, observers }: Configuration, id: number): Member['role'] {
  if (learners.some((learner) => learner === id)) return 'learner';
  return observers.some((observer) => observer === id) ? 'observer' : 'voter';
}

/** A server whose id was given out and is no member any more must not come back under it. */
export function wasRemoved(configuration: Configuration, id: number): boolean {
  return directoryOf(configuration).nextId > id && !membersOf(configuration).some((member) => member === id);
}
