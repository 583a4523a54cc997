import type { TimelinePoint } from './recorder.js';

/** Without a terminal, a line each this many seconds. */
const quietSeconds = 5;

/** What happens now, on stderr: one line that is drawn anew on a terminal, a line now and then elsewhere. */
export class LiveLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #seconds: number;
  readonly #quiet: boolean;

  constructor(seconds: number, quiet: boolean, stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#seconds = seconds;
    this.#quiet = quiet;
  }

  show(point: TimelinePoint): void {
    if (this.#quiet) return;
    const text = lineOf(point, this.#seconds);
    if (this.#stream.isTTY) this.#stream.write(`\r\u001b[K${text}`);
    else if ((point.second + 1) % quietSeconds === 0) this.#stream.write(`${text}\n`);
  }

  end(): void {
    if (!this.#quiet && this.#stream.isTTY) this.#stream.write('\r\u001b[K');
  }
}

export function lineOf({ second, requests, errors, p50Ms, p99Ms }: TimelinePoint, seconds: number): string {
  const ms = (value: number | null): string => (value === null ? '–' : `${value.toFixed(1)} ms`);
  const done = Math.min(second + 1, Math.ceil(seconds));
  const trouble = errors === 0 ? '' : `   ${errors} errors`;
  return `${done}/${Math.ceil(seconds)} s   ${requests}/s   p50 ${ms(p50Ms)}   p99 ${ms(p99Ms)}${trouble}`;
}
