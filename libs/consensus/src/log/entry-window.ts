import { crc32 } from 'node:zlib';
import { asLogIndex } from '#libs/raft';
import type { Entry, LogIndex, Term } from '#libs/raft';
import { rebuildAdvice } from '../errors.js';

/** Where the bytes of an entry stand in the log's files. */
export interface EntryPlace {
  readonly segment: number;
  readonly offset: number;
}

/** Reads an entry's bytes back. Throws when the file cannot be read. */
export type ReadEntryBytes = (place: EntryPlace, length: number) => Uint8Array;

/** An entry whose bytes are on disk alone. */
interface StoredEntry extends Pick<Entry, 'term' | 'index' | 'type'> {
  readonly place: EntryPlace;
  readonly length: number;
  readonly crc: number;
}

const entryOverheadBytes = 32;

/**
 * The retained tail of the log: entries behind a base whose index and term are known. The newest stay in memory,
 * up to a bound; the bytes of older ones are read back from the log's files for the rare follower that needs them.
 */
export class EntryWindow {
  /** The window is the stored entries, then those in memory, each with its place. */
  #stored: StoredEntry[] = [];
  #entries: Entry[] = [];
  #places: EntryPlace[] = [];
  #baseIndex: LogIndex;
  #baseTerm: Term;
  #memoryBytes = 0;
  readonly #memoryBytesMax: number;
  readonly #read: ReadEntryBytes;

  constructor(
    base: { readonly index: LogIndex; readonly term: Term },
    memoryBytesMax: number,
    read: ReadEntryBytes,
  ) {
    this.#baseIndex = base.index;
    this.#baseTerm = base.term;
    this.#memoryBytesMax = memoryBytesMax;
    this.#read = read;
  }

  get firstIndex(): LogIndex {
    return asLogIndex(this.#baseIndex + 1);
  }

  get lastIndex(): LogIndex {
    return asLogIndex(this.#memoryBase + this.#entries.length);
  }

  /** Bytes of entries held in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Index before the first entry that is in memory. */
  get #memoryBase(): number {
    return this.#baseIndex + this.#stored.length;
  }

  term(index: LogIndex): Term | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#at(index)?.term;
  }

  #at(index: number): Entry | StoredEntry | undefined {
    if (index <= this.#baseIndex) return undefined;
    return index <= this.#memoryBase
      ? this.#stored[index - this.#baseIndex - 1]
      : this.#entries[index - this.#memoryBase - 1];
  }

  /**
   * Appends in order, each entry with its place; an entry at or before the end replaces the tail from there. Throws on
   * a gap. What is beyond the bound on memory leaves it, oldest first.
   */
  append(entries: readonly Entry[], places: readonly EntryPlace[]): void {
    const first = entries[0];
    if (first === undefined) return;
    if (first.index > this.lastIndex + 1 || first.index <= this.#baseIndex) {
      throw new RangeError(
        `entry ${first.index} does not follow the log [${this.firstIndex}, ${this.lastIndex}]`,
      );
    }
    if (first.index <= this.lastIndex) this.#truncateFrom(first.index);
    for (const [i, entry] of entries.entries()) {
      const place = places[i];
      if (place === undefined) throw new RangeError(`entry ${entry.index} has no place`);
      this.#entries.push(entry);
      this.#places.push(place);
      this.#memoryBytes += entry.data.length;
    }
    this.#trim();
  }

  #truncateFrom(index: LogIndex): void {
    const kept = Math.max(0, index - this.#memoryBase - 1);
    for (const removed of this.#entries.splice(kept)) this.#memoryBytes -= removed.data.length;
    this.#places.length = kept;
    this.#stored.length = Math.min(this.#stored.length, index - this.#baseIndex - 1);
  }

  /** In steps of an eighth of the bound, so that shifting the arrays costs little an entry. */
  #trim(): void {
    if (this.#memoryBytes <= this.#memoryBytesMax * 1.125) return;
    let count = 0;
    while (count < this.#entries.length && this.#memoryBytes > this.#memoryBytesMax) {
      const { term, index, type, data } = this.#entries[count] as Entry;
      const place = this.#places[count] as EntryPlace;
      this.#stored.push({ term, index, type, place, length: data.length, crc: crc32(data) });
      this.#memoryBytes -= data.length;
      count++;
    }
    this.#entries = this.#entries.slice(count);
    this.#places = this.#places.slice(count);
  }

  /** Entries in [from, to), cut at about maxBytes but never to nothing. Throws when a stored one cannot be read back. */
  slice(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] {
    const end = Math.min(to, this.lastIndex + 1);
    const result: Entry[] = [];
    let bytes = 0;
    for (let index: number = from; index < end; index++) {
      const entry = this.#at(index);
      if (entry === undefined) break;
      bytes += lengthOf(entry) + entryOverheadBytes;
      if (result.length > 0 && bytes > maxBytes) break;
      result.push('data' in entry ? entry : this.#readBack(entry));
    }
    return result;
  }

  #readBack({ term, index, type, place, length, crc }: StoredEntry): Entry {
    const data = length === 0 ? new Uint8Array(0) : this.#read(place, length);
    if (crc32(data) !== crc) {
      throw new Error(
        `entry ${index} reads differently from what was written, in log file ${place.segment} at byte ${place.offset}. ${rebuildAdvice}`,
      );
    }
    return { term, index, type, data };
  }

  /** Forgets entries up to and including `index`, but keeps what fits in `keepBytes` before it. */
  release(index: LogIndex, keepBytes: number): void {
    let cut: number = Math.min(index, this.lastIndex);
    let kept = 0;
    while (cut > this.#baseIndex) {
      const entry = this.#at(cut);
      kept += (entry === undefined ? 0 : lengthOf(entry)) + entryOverheadBytes;
      if (kept > keepBytes) break;
      cut--;
    }
    if (cut <= this.#baseIndex) return;
    const term = this.term(asLogIndex(cut));
    if (term === undefined) return;
    const fromMemory = Math.max(0, cut - this.#memoryBase);
    for (let i = 0; i < fromMemory; i++) this.#memoryBytes -= this.#entries[i]?.data.length ?? 0;
    this.#entries = this.#entries.slice(fromMemory);
    this.#places = this.#places.slice(fromMemory);
    this.#stored = this.#stored.slice(cut - this.#baseIndex);
    this.#baseIndex = asLogIndex(cut);
    this.#baseTerm = term;
  }

  /** Starts anew behind a snapshot. */
  reset(baseIndex: LogIndex, baseTerm: Term): void {
    this.#stored = [];
    this.#entries = [];
    this.#places = [];
    this.#memoryBytes = 0;
    this.#baseIndex = baseIndex;
    this.#baseTerm = baseTerm;
  }
}

function lengthOf(entry: Entry | StoredEntry): number {
  return 'data' in entry ? entry.data.length : entry.length;
}
