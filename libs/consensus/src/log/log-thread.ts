import { Worker } from 'node:worker_threads';
import type { Disk } from '../environment/disk.js';

export interface WriteOrder {
  readonly fd: number;
  readonly bytes: Uint8Array;
  readonly position: number;
}

export interface WriteAnswer {
  readonly written: number;
  /** What an error is beside its class: those that cross between threads lose it. */
  readonly failure?: Pick<NodeJS.ErrnoException, 'message' | 'code' | 'errno' | 'syscall'>;
}

type Done = Parameters<Disk['write']>[5];

/**
 * A thread that writes what it is handed, synchronously and one after the other, whatever the process's thread pool is busy
 * with. It ends with the thread that has made it. When it ends by itself, the writes under way and all later ones fail.
 */
export class LogThread {
  readonly #worker: Worker;
  readonly #waiting: Done[] = [];
  #broken: Error | undefined;
  #ready = false;

  constructor(entry = new URL('./log-thread-main.js', import.meta.url)) {
    this.#worker = new Worker(entry, {
      name: 'log',
      // It allocates next to nothing.
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 8 },
    });
    this.#worker.unref();
    this.#worker.on('online', () => (this.#ready = true));
    this.#worker.on('message', (answer: WriteAnswer) => this.#answered(answer));
    this.#worker.on('error', (error) => this.#break(error instanceof Error ? error.message : String(error)));
    this.#worker.on('exit', (code) => this.#break(`it ended with code ${code}`));
  }

  /** It runs, so that a write does not wait for its start. */
  get ready(): boolean {
    return this.#ready;
  }

  /** As Disk.write. The bytes are copied before it returns. */
  readonly write: Disk['write'] = (fd, bytes, offset, length, position, done) => {
    if (this.#broken !== undefined) {
      const error = this.#broken;
      setImmediate(() => done(error, 0));
      return;
    }
    this.#waiting.push(done);
    const order: WriteOrder = { fd, bytes: bytes.subarray(offset, offset + length), position };
    this.#worker.postMessage(order, []);
  };

  #answered({ written, failure }: WriteAnswer): void {
    const error = failure === undefined ? null : Object.assign(new Error(failure.message), failure);
    this.#waiting.shift()?.(error, written);
  }

  #break(reason: string): void {
    this.#broken ??= new Error(`the thread that writes the log has failed: ${reason}`);
    for (const done of this.#waiting.splice(0)) done(this.#broken, 0);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
