import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { LineReader, type LogLine } from './lines.js';

const chunkBytes = 256 * 1024;

/** One log on disk, read from its start and then as it grows; a file that takes its place is gone on with. */
export class LogFile {
  readonly #path: string;
  readonly #reader: LineReader;
  #decoder = new StringDecoder('utf8');
  #open: number | undefined;
  #inode = 0;
  #offset = 0;

  constructor(source: string, path: string) {
    this.#path = path;
    this.#reader = new LineReader(source);
  }

  /** What the file holds that came before it, when it grew too large, and itself. */
  all(): LogLine[] {
    const before = existing(() => readFileSync(`${this.#path}.1`, 'utf8')) ?? '';
    return [...this.#reader.read(before), ...this.#reader.end(), ...this.more()];
  }

  /** The whole lines that were written since the last call. */
  more(): LogLine[] {
    const now = existing(() => statSync(this.#path));
    // Renamed or removed: what is left of the old one is read first.
    const lines = this.#open === undefined ? [] : this.#rest(this.#open);
    if (this.#open !== undefined && (now?.ino !== this.#inode || now.size < this.#offset)) {
      this.close();
      lines.push(...this.#reader.end());
    }
    if (this.#open === undefined && now !== undefined) {
      this.#open = existing(() => openSync(this.#path, 'r'));
      if (this.#open === undefined) return lines;
      this.#inode = fstatSync(this.#open).ino;
      this.#offset = 0;
      lines.push(...this.#rest(this.#open));
    }
    return lines;
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open);
    this.#open = undefined;
    this.#decoder = new StringDecoder('utf8');
  }

  #rest(file: number): LogLine[] {
    const lines: LogLine[] = [];
    const chunk = Buffer.alloc(chunkBytes);
    for (;;) {
      const count = readSync(file, chunk, 0, chunkBytes, this.#offset);
      if (count === 0) return lines;
      this.#offset += count;
      lines.push(...this.#reader.read(this.#decoder.write(chunk.subarray(0, count))));
    }
  }
}

/** A log that is not there has nothing to say; anything else that is wrong is thrown. */
function existing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
