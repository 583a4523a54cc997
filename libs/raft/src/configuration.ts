import { invariant } from './invariant.js';
import { asMemberId, type Configuration, type MemberId } from './types.js';

const formatVersion = 2;
const idBytes = 8;

export const isJoint = (c: Configuration): boolean => c.votersOutgoing.length > 0;

const noContext = new Uint8Array(0);

/** A group of these voters and nobody else. */
export function configurationOfVoters(
  voters: readonly MemberId[],
  context: Uint8Array = noContext,
): Configuration {
  return { voters, votersOutgoing: [], learners: [], observers: [], context };
}

/** Votes in either half of a joint configuration. */
export const isVoter = (c: Configuration, id: MemberId): boolean =>
  c.voters.includes(id) || c.votersOutgoing.includes(id);

/** The lists in the order of the format. */
function idLists(c: Configuration): readonly (readonly MemberId[])[] {
  return [c.voters, c.votersOutgoing, c.learners, c.observers];
}

/** Everyone who receives the log, each once, in ascending order. */
export function membersOf(c: Configuration): MemberId[] {
  return [...new Set(idLists(c).flat())].sort((a, b) => a - b);
}

/**
 * The data of a `configuration` entry: the whole configuration that rules once the entry is applied.
 * As only one change may be pending at a time, the whole says the same as a difference, and applying it
 * twice is harmless. Format: version byte, then four lists (voters, outgoing voters, learners, observers), each
 * a 16-bit count and that many 64-bit ids, big-endian; the context is the rest.
 */
export function encodeConfiguration(c: Configuration): Uint8Array {
  const lists = idLists(c);
  const length = 1 + lists.reduce((sum, list) => sum + 2 + list.length * idBytes, 0);
  const data = new Uint8Array(length + c.context.length);
  data.set(c.context, length);
  const view = new DataView(data.buffer);
  view.setUint8(0, formatVersion);
  let at = 1;
  for (const list of lists) {
    view.setUint16(at, list.length);
    at += 2;
    for (const id of list) {
      view.setBigUint64(at, BigInt(id));
      at += idBytes;
    }
  }
  return data;
}

/** The inverse of encodeConfiguration; throws RaftInvariantError on anything else. */
export function decodeConfiguration(data: Uint8Array): Configuration {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  invariant(
    data.length > 0 && view.getUint8(0) === formatVersion,
    'configuration entry of an unknown version',
  );
  let at = 1;
  const readList = (): MemberId[] => {
    invariant(at + 2 <= data.length, 'configuration entry is cut short');
    const count = view.getUint16(at);
    at += 2;
    invariant(at + count * idBytes <= data.length, 'configuration entry is cut short');
    const ids: MemberId[] = [];
    for (let i = 0; i < count; i += 1, at += idBytes) {
      const id = Number(view.getBigUint64(at));
      invariant(Number.isSafeInteger(id) && id > 0, 'configuration entry holds an invalid member id');
      ids.push(asMemberId(id));
    }
    return ids;
  };
  const [voters, votersOutgoing, learners, observers] = [readList(), readList(), readList(), readList()];
  return { voters, votersOutgoing, learners, observers, context: new Uint8Array(data.subarray(at)) };
}
