/** Seeds a generator from a number and a name: equal pairs give equal streams, different ones unrelated streams. */
function hashSeed(seed: number, name: string): number {
  let h = 2166136261 ^ seed;
  for (let i = 0; i < name.length; i += 1) h = Math.imul(h ^ name.charCodeAt(i), 16777619);
  h = Math.imul(h ^ Math.floor(seed / 2 ** 32), 16777619);
  return h >>> 0;
}

/**
 * A stream of chance (sfc32, Chris Doty-Humphrey). Each part of the simulation has its own, so that a draw more in
 * one part does not change what every other part does.
 */
export class Stream {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number, name: string) {
    this.a = hashSeed(seed, name);
    this.b = hashSeed(seed + 1, name);
    this.c = seed >>> 0;
    for (let i = 0; i < 12; i += 1) this.next();
  }

  /** Uniform in [0, 1). */
  next(): number {
    const t = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + t;
    return (t >>> 0) / 4294967296;
  }

  /** Uniform integer in [from, to). */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from));
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Exponentially distributed with this mean. */
  around(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Throws on an empty list. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.int(0, items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}
