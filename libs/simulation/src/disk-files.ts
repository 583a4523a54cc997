import type { Stream } from './random.js';

/** A file's bytes as its readers see them, and as they would be found after a power cut. */
export class Inode {
  cache = new Uint8Array(0);
  size = 0;
  private durable = new Uint8Array(0);
  private durableSize = 0;
  private readonly dirty = new Set<number>();

  constructor(readonly sectorBytes: number) {}

  write(bytes: Uint8Array, at: number): void {
    const end = at + bytes.length;
    if (end > this.cache.length) this.grow(end);
    this.cache.set(bytes, at);
    this.size = Math.max(this.size, end);
    for (const sector of this.sectors(at, end)) this.dirty.add(sector);
  }

  private grow(size: number): void {
    const rounded = Math.ceil(Math.max(size, this.cache.length * 2) / this.sectorBytes) * this.sectorBytes;
    const { cache, durable } = this;
    this.cache = new Uint8Array(rounded);
    this.cache.set(cache);
    this.durable = new Uint8Array(rounded);
    this.durable.set(durable);
  }

  private *sectors(from: number, to: number): Generator<number> {
    for (let s = Math.floor(from / this.sectorBytes); s * this.sectorBytes < to; s += 1) yield s;
  }

  /** Makes all of it durable, or what lies in [from, to). */
  sync(from = 0, to = Infinity): void {
    for (const sector of this.dirty) {
      const at = sector * this.sectorBytes;
      if (at >= to || at + this.sectorBytes <= from) continue;
      this.keep(sector);
      this.dirty.delete(sector);
    }
    this.durableSize = Math.max(this.durableSize, Math.min(this.size, to));
  }

  private keep(sector: number): void {
    const at = sector * this.sectorBytes;
    this.durable.set(this.cache.subarray(at, at + this.sectorBytes), at);
  }

  /** The power goes: of what was not synced, some sectors had reached the platter. Returns how many had not. */
  losePower(random: Stream): number {
    const keepShare = random.next();
    let lost = 0;
    for (const sector of this.dirty) {
      const at = sector * this.sectorBytes;
      if (random.chance(keepShare)) {
        this.keep(sector);
        this.durableSize = Math.max(this.durableSize, Math.min(this.size, at + this.sectorBytes));
      } else {
        this.cache.set(this.durable.subarray(at, at + this.sectorBytes), at);
        lost += 1;
      }
    }
    this.dirty.clear();
    this.size = this.durableSize;
    return lost;
  }

  /** The disk itself damages a byte: no cache hides it. */
  rot(at: number, mask: number): void {
    this.cache[at] = (this.cache[at] ?? 0) ^ mask;
    this.durable[at] = (this.durable[at] ?? 0) ^ mask;
  }
}

type Entries = Map<string, Inode>;
type Change = (entries: Entries) => void;

/** Names in a directory: what is not synced yet may be undone by a power cut, the last changes first. */
export class Directory {
  readonly entries: Entries = new Map();
  private readonly durable: Entries = new Map();
  private pending: Change[] = [];

  change(change: Change): void {
    change(this.entries);
    this.pending.push(change);
  }

  /** Every inode that has a name, or had one that is not durably gone. */
  *all(): Generator<Inode> {
    yield* this.entries.values();
    yield* this.durable.values();
  }

  sync(): void {
    for (const change of this.pending) change(this.durable);
    this.pending = [];
  }

  /** Returns how many changes were lost. */
  losePower(random: Stream): number {
    const survivors = random.int(0, this.pending.length + 1);
    const lost = this.pending.length - survivors;
    for (const change of this.pending.slice(0, survivors)) change(this.durable);
    this.pending = [];
    this.entries.clear();
    for (const [name, inode] of this.durable) this.entries.set(name, inode);
    return lost;
  }
}
