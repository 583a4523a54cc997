import type { Writable } from 'node:stream';
import type { StreamSink } from '../request.js';

/** What one watcher may have waiting before it is asked to wait. */
const pendingBytesMax = 1024 * 1024;

/** Writes the frames of one watch, those of a tick in one write to the socket. */
export class HttpSink implements StreamSink {
  #frames: Uint8Array[] = [];
  #frameBytes = 0;
  #scheduled = false;
  #ended = false;
  #waiting: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(readonly output: Writable) {
    output.on('drain', () => this.#roomAgain());
    output.on('close', () => this.#roomAgain());
  }

  write(frame: Uint8Array | { readonly type: string; readonly object: unknown }): boolean {
    if (this.#ended || this.output.destroyed) return true;
    const bytes = frame instanceof Uint8Array ? frame : Buffer.from(`${JSON.stringify(frame)}\n`);
    this.#frames.push(bytes);
    this.#frameBytes += bytes.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    }
    return this.#pending() < pendingBytesMax;
  }

  end(): void {
    if (this.#ended) return;
    this.#flush();
    this.#ended = true;
    this.output.end();
  }

  ready(): Promise<void> | undefined {
    if (this.#pending() < pendingBytesMax || this.output.destroyed) return undefined;
    if (this.#waiting === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#waiting = { promise, resolve };
    }
    return this.#waiting.promise;
  }

  #pending(): number {
    return this.#frameBytes + this.output.writableLength;
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#frames.length === 0 || this.output.destroyed || this.#ended) return;
    const bytes =
      this.#frames.length === 1 ? this.#frames[0]! : Buffer.concat(this.#frames, this.#frameBytes);
    this.#frames = [];
    this.#frameBytes = 0;
    if (this.output.write(bytes)) this.#roomAgain();
  }

  #roomAgain(): void {
    if (this.#waiting === undefined || (!this.output.destroyed && this.#pending() >= pendingBytesMax)) return;
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    resolve();
  }
}
