/** A line of a process's log, with the time it was written at. */
export interface LogLine {
  readonly source: string;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly text: string;
}

/**
 * Reads lines of one log in their order. A line that tells no time (what a process prints as it dies, a stack) stays with
 * the one before it.
 */
export class LineReader {
  readonly #source: string;
  #lastMs = 0;
  #rest = '';

  constructor(source: string) {
    this.#source = source;
  }

  /** The whole lines among what was read so far; the rest is kept for the next call. */
  read(text: string): LogLine[] {
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.filter((line) => line !== '').map((line) => this.#line(line));
  }

  /** The file ends here, with or without a newline. */
  end(): LogLine[] {
    return this.#rest === '' ? [] : this.read('\n');
  }

  #line(text: string): LogLine {
    this.#lastMs = timeOf(text) ?? this.#lastMs;
    return { source: this.#source, timeMs: this.#lastMs, text };
  }
}

/** Processes log JSON objects with `time` in milliseconds; the supervisor begins its lines with an ISO time. */
function timeOf(line: string): number | undefined {
  if (line.startsWith('{')) {
    const match = /"time":(\d+)/.exec(line);
    return match === null ? undefined : Number(match[1]);
  }
  const time = /^\d{4}-\d\d-\d\dT\S+Z(?= )/.exec(line)?.[0];
  return time === undefined ? undefined : Date.parse(time);
}

/** Lines of several logs as they were written; lines of one log keep their order. */
export function interleave(logs: readonly (readonly LogLine[])[]): LogLine[] {
  // Sorting is stable, and within one log times do not go back but by a change of the clock.
  return logs.flat().sort((a, b) => a.timeMs - b.timeMs);
}
