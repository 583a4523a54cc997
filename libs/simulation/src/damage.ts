import type { SimulatedDisk } from './disk.js';
import type { Inode } from './disk-files.js';
import type { Stream } from './random.js';

const logDirectory = '/data/wal';
const snapshotDirectory = '/data/snap';
const recordMagic = Buffer.from('TRIW', 'latin1');

function segments(disk: SimulatedDisk): Inode[] {
  return disk
    .list(logDirectory)
    .filter((name) => name.endsWith('.wal'))
    .flatMap((name) => disk.file(`${logDirectory}/${name}`) ?? []);
}

/** Where records begin, as far as their first bytes tell. */
function records(inode: Inode): number[] {
  const bytes = Buffer.from(inode.cache.buffer, 0, inode.size);
  const found: number[] = [];
  for (let at = bytes.indexOf(recordMagic); at >= 0; at = bytes.indexOf(recordMagic, at + 1))
    if (at % 8 === 0) found.push(at);
  return found;
}

/** Flips bits of a record that is not the newest of all: that must be found, and nothing may be served from it. */
export function damageLog(disk: SimulatedDisk, random: Stream): boolean {
  const all = segments(disk);
  const places = all.flatMap((inode, i) => {
    const found = records(inode);
    const upTo = i === all.length - 1 ? found.slice(0, -1) : found;
    return upTo.map((at) => ({ inode, at }));
  });
  if (places.length === 0) return false;
  const { inode, at } = random.pick(places);
  inode.rot(at + random.int(0, 32), 1 << random.int(0, 8));
  return true;
}

interface Vote {
  readonly term: number;
  readonly vote: number;
}

const hardStateType = 2;

/** What the record at `at` says last of term and vote (see the layout in record.ts of the log). */
function voteIn(bytes: Buffer, at: number): Vote | undefined {
  const items = at + 32;
  const end = items + bytes.readUInt32LE(at + 16);
  let vote: Vote | undefined;
  for (let item = items; item + 5 <= end; item += 5 + bytes.readUInt32LE(item)) {
    if (bytes.readUInt8(item + 4) !== hardStateType) continue;
    vote = { term: bytes.readUIntLE(item + 5, 6), vote: bytes.readUIntLE(item + 13, 6) };
  }
  return vote;
}

/**
 * Takes the newest record away as if it had never been written, or puts it somewhere else in the file. Not where its vote,
 * `known`, would go with it: who votes twice in a term lets two lead in it.
 */
export function loseNewestRecord(
  disk: SimulatedDisk,
  random: Stream,
  removed: boolean,
  known: Vote,
): boolean {
  const inode = segments(disk).at(-1);
  if (inode === undefined) return false;
  const found = records(inode);
  const bytes = Buffer.from(inode.cache.buffer, 0, inode.size);
  const before = found.slice(1, -1).map((place) => voteIn(bytes, place));
  const kept = before.findLast((vote) => vote !== undefined);
  if (kept?.term !== known.term || kept.vote !== known.vote) return false;
  const at = found.at(-1);
  // The first record of a segment is its head: without it the segment itself is damaged.
  if (at === undefined || found.length < 3) return false;
  const room = inode.size - at;
  const length = Math.min(room, 32 + bytes.readUInt32LE(at + 16));
  const record = inode.cache.slice(at, at + length);
  inode.write(new Uint8Array(length), at);
  const moved = at + Math.ceil(length / 8) * 8 + 8 * random.int(1, 20);
  if (!removed && moved + length <= inode.size) inode.write(record, moved);
  inode.sync();
  return true;
}

/** Flips bits of the newest snapshot. */
export function damageSnapshot(disk: SimulatedDisk, random: Stream): boolean {
  const name = disk
    .list(snapshotDirectory)
    .filter((each) => each.endsWith('.snap'))
    .at(-1);
  const inode = name === undefined ? undefined : disk.file(`${snapshotDirectory}/${name}`);
  if (inode === undefined || inode.size === 0) return false;
  inode.rot(random.int(0, inode.size), 1 << random.int(0, 8));
  return true;
}
