import { asLogIndex } from '#libs/raft';
import type { Entry, LogIndex, Term } from '#libs/raft';

/** The retained tail of the log in memory: entries behind a base whose index and term are known. */
export class EntryWindow {
  #entries: Entry[] = [];
  #baseIndex: LogIndex;
  #baseTerm: Term;
  #bytes = 0;

  constructor(baseIndex: LogIndex, baseTerm: Term) {
    this.#baseIndex = baseIndex;
    this.#baseTerm = baseTerm;
  }

  get firstIndex(): LogIndex {
    return asLogIndex(this.#baseIndex + 1);
  }

  get lastIndex(): LogIndex {
    return asLogIndex(this.#baseIndex + this.#entries.length);
  }

  get bytes(): number {
    return this.#bytes;
  }

  term(index: LogIndex): Term | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#at(index)?.term;
  }

  #at(index: number): Entry | undefined {
    return index <= this.#baseIndex ? undefined : this.#entries[index - this.#baseIndex - 1];
  }

  /** Appends in order; an entry at or before the end replaces the tail from there. Throws on a gap. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    if (first.index > this.lastIndex + 1 || first.index <= this.#baseIndex) {
      throw new RangeError(
        `entry ${first.index} does not follow the log [${this.firstIndex}, ${this.lastIndex}]`,
      );
    }
    if (first.index <= this.lastIndex) this.#truncateFrom(first.index);
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.data.length;
    }
  }

  #truncateFrom(index: LogIndex): void {
    for (const removed of this.#entries.splice(index - this.#baseIndex - 1)) {
      this.#bytes -= removed.data.length;
    }
  }

  /** Entries in [from, to), cut at about maxBytes but never to nothing. */
  slice(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] {
    const end = Math.min(to, this.lastIndex + 1);
    const result: Entry[] = [];
    let bytes = 0;
    for (let index: number = from; index < end; index++) {
      const entry = this.#at(index);
      if (entry === undefined) break;
      bytes += entry.data.length + 32;
      if (result.length > 0 && bytes > maxBytes) break;
      result.push(entry);
    }
    return result;
  }

  /** Forgets entries up to and including `index`, but keeps what fits in `keepBytes` before it. */
  release(index: LogIndex, keepBytes: number): void {
    let cut: number = Math.min(index, this.lastIndex);
    let kept = 0;
    while (cut > this.#baseIndex) {
      kept += (this.#at(cut)?.data.length ?? 0) + 32;
      if (kept > keepBytes) break;
      cut--;
    }
    if (cut <= this.#baseIndex) return;
    const term = this.term(asLogIndex(cut));
    if (term === undefined) return;
    const count = cut - this.#baseIndex;
    for (let i = 0; i < count; i++) this.#bytes -= this.#entries[i]?.data.length ?? 0;
    this.#entries = this.#entries.slice(count);
    this.#baseIndex = asLogIndex(cut);
    this.#baseTerm = term;
  }

  /** Starts anew behind a snapshot. */
  reset(baseIndex: LogIndex, baseTerm: Term): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#baseIndex = baseIndex;
    this.#baseTerm = baseTerm;
  }
}
