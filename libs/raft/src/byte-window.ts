/**
 * A first-in first-out account of things that end at a log index and weigh some bytes: appends in
 * flight, uncommitted proposals, entries being applied. Released from the front, by index.
 */
export class ByteWindow {
  private ends: number[] = [];
  private sizes: number[] = [];
  private head = 0;
  private total = 0;

  get count(): number {
    return this.ends.length - this.head;
  }

  get bytes(): number {
    return this.total;
  }

  add(end: number, bytes: number): void {
    this.ends.push(end);
    this.sizes.push(bytes);
    this.total += bytes;
  }

  /** Forgets what ends at or before `index`. */
  release(index: number): void {
    while (this.head < this.ends.length && (this.ends[this.head] as number) <= index) {
      this.total -= this.sizes[this.head] as number;
      this.head += 1;
    }
    if (this.head === this.ends.length) this.clear();
    else if (this.head > 256 && this.head * 2 > this.ends.length) {
      this.ends = this.ends.slice(this.head);
      this.sizes = this.sizes.slice(this.head);
      this.head = 0;
    }
  }

  clear(): void {
    this.ends.length = 0;
    this.sizes.length = 0;
    this.head = 0;
    this.total = 0;
  }
}
