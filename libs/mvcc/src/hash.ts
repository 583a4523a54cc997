/**
 * Running hash in two 32-bit lanes of multiply and rotate, four bytes a step (as murmur3 does it), made to tell
 * replicas apart that have diverged by accident. It is no defence against someone who looks for collisions.
 */
export class RunningHash {
  constructor(
    private low = 0x9747b28c,
    private high = 0x1b873593,
  ) {}

  private mixWord(word: number): void {
    let low = this.low ^ Math.imul(word, 0xcc9e2d51);
    low = (low << 13) | (low >>> 19);
    this.low = (Math.imul(low, 5) + 0xe6546b64) | 0;
    let high = this.high ^ Math.imul(word, 0x85ebca6b);
    high = (high << 15) | (high >>> 17);
    this.high = (Math.imul(high, 9) + 0x561ccd1b) | 0;
  }

  mixInteger(value: number): void {
    this.mixWord(value | 0);
    this.mixWord(Math.floor(value / 0x1_0000_0000) | 0);
  }

  mixBytes(bytes: Uint8Array): void {
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      this.mixWord(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    }
    let tail = 0;
    for (let i = whole; i < bytes.length; i++) tail = (tail << 8) | bytes[i]!;
    this.mixWord(tail);
    // The length: otherwise bytes that end in zeros could hash alike.
    this.mixWord(bytes.length);
  }

  /** The state, to go on from elsewhere: `new RunningHash(low, high)`. */
  lanes(): { readonly low: number; readonly high: number } {
    return { low: this.low >>> 0, high: this.high >>> 0 };
  }

  /** 53 bits, a safe integer. */
  value(): number {
    return (this.high & 0x1fffff) * 0x1_0000_0000 + (this.low >>> 0);
  }
}
