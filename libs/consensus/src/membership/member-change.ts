import { asMemberId, membersOf } from '#libs/raft';
import type { Configuration, ConfigurationChange, ConfigurationRefusalReason } from '#libs/raft';
import type { ByteReader, ByteWriter } from '../bytes.js';
import { directoryOf, encodeDirectory } from './member-directory.js';
import type { Member } from './member-directory.js';

/** What somebody asks of the leader. A new member's id is the leader's to choose. */
export type MemberChange =
  | {
      readonly type: 'add';
      readonly role: Member['role'];
      /** Empty: `m` and the id. */
      readonly name: string;
      readonly host: string;
      readonly port: number;
    }
  | { readonly type: 'promote' | 'remove'; readonly id: number }
  | { readonly type: 'update'; readonly id: number; readonly host: string; readonly port: number };

export type ChangeRefusal = ConfigurationRefusalReason | 'notLeader' | 'nameTaken' | 'addressTaken';

/** The entry that holds the change, and whom it is about; or why there is none. */
export type ChangeOutcome =
  | { readonly index: number; readonly term: number; readonly id: number }
  | { readonly refused: ChangeRefusal };

/** A change in the core's terms, or why it cannot be. */
export type PlannedChange =
  | {
      readonly id: number;
      readonly changes: readonly ConfigurationChange[];
      readonly context: Uint8Array;
    }
  | { readonly refused: ChangeRefusal };

const addTypes = { voter: 'addVoter', learner: 'addLearner', observer: 'addObserver' } as const;

/** Plans a change of the configuration in force. Pure: every leader plans the same. */
export function planChange(configuration: Configuration, change: MemberChange): PlannedChange {
  const directory = directoryOf(configuration);
  const present = membersOf(configuration);
  const members = directory.members.filter(({ id }) => present.some((member) => member === id));
  if (change.type === 'add') {
    const id = Math.max(directory.nextId, 1 + Math.max(0, ...present));
    const { host, port, role } = change;
    const name = change.name === '' ? `m${id}` : change.name;
    if (members.some((member) => member.name === name)) return { refused: 'nameTaken' };
    if (members.some((member) => member.host === host && member.port === port))
      return { refused: 'addressTaken' };
    return {
      id,
      changes: [{ type: addTypes[role], id: asMemberId(id) }],
      context: encodeDirectory({ nextId: id + 1, members: [...members, { id, name, host, port }] }),
    };
  }
  const { id } = change;
  if (!present.some((member) => member === id)) return { refused: 'unknownMember' };
  if (!('host' in change)) {
    return { id, changes: [{ type: change.type, id: asMemberId(id) }], context: configuration.context };
  }
  const { host, port } = change;
  if (members.some((member) => member.id !== id && member.host === host && member.port === port))
    return { refused: 'addressTaken' };
  const moved = members.map((member) => (member.id === id ? { ...member, host, port } : member));
  return { id, changes: [], context: encodeDirectory({ ...directory, members: moved }) };
}

const types = ['add', 'promote', 'remove', 'update'] as const;
const roles = ['voter', 'learner', 'observer'] as const;

export function writeMemberChange(writer: ByteWriter, change: MemberChange): void {
  writer.u8(types.indexOf(change.type));
  if (change.type === 'add') {
    writer.u8(roles.indexOf(change.role));
    writer.text(change.name);
  } else writer.u64(change.id);
  if (!('host' in change)) return;
  writer.text(change.host);
  writer.u32(change.port);
}

/** Throws when the bytes are no change. */
export function readMemberChange(reader: ByteReader): MemberChange {
  const type = types[reader.u8()];
  switch (type) {
    case 'add': {
      const role = roles[reader.u8()];
      if (role === undefined) throw new Error('a member of an unknown role');
      return { type, role, name: reader.text(), host: reader.text(), port: reader.u32() };
    }
    case 'promote':
    case 'remove':
      return { type, id: reader.u64() };
    case 'update':
      return { type, id: reader.u64(), host: reader.text(), port: reader.u32() };
    default:
      throw new Error('a change of membership of an unknown type');
  }
}

export function writeChangeOutcome(writer: ByteWriter, outcome: ChangeOutcome): void {
  const accepted = 'refused' in outcome ? undefined : outcome;
  writer.text('refused' in outcome ? outcome.refused : '');
  writer.u64(accepted?.index ?? 0);
  writer.u64(accepted?.term ?? 0);
  writer.u64(accepted?.id ?? 0);
}

export function readChangeOutcome(reader: ByteReader): ChangeOutcome {
  const refused = reader.text();
  if (refused !== '') return { refused: refused as ChangeRefusal };
  return { index: reader.u64(), term: reader.u64(), id: reader.u64() };
}
