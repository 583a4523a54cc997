import { epochMs } from '../trace.js';

export const timeColumns = 3;
const [appended, synced, committed] = [0, 1, 2] as const;
type Indexed = readonly { readonly index: number }[];

/**
 * When entries passed each station of this replica's log, where writes are traced. Holds what is not yet handed to the
 * main thread, which the core bounds.
 */
export class EntryTimes {
  readonly #byIndex = new Map<number, Float64Array>();

  appended(entries: Indexed): void {
    const now = epochMs();
    for (const { index } of entries) this.#byIndex.set(index, Float64Array.of(now, 0, 0));
  }

  synced(entries: Indexed): void {
    this.#note(entries, synced);
  }

  committed(entries: Indexed): void {
    this.#note(entries, committed);
  }

  /** A row an entry: appended, synced (0: not yet), committed; and forgets them. */
  take(entries: Indexed): Float64Array {
    const rows = new Float64Array(entries.length * timeColumns);
    for (const [i, { index }] of entries.entries()) {
      const times = this.#byIndex.get(index);
      if (times === undefined) continue;
      rows.set(times, i * timeColumns);
      this.#byIndex.delete(index);
    }
    return rows;
  }

  /** A snapshot took the place of entries. */
  clear(): void {
    this.#byIndex.clear();
  }

  #note(entries: Indexed, column: typeof synced | typeof committed): void {
    const now = epochMs();
    for (const { index } of entries) {
      const times = this.#byIndex.get(index);
      if (times !== undefined) times[column] = now;
    }
  }
}

/** One row of `take`. */
export function timesAt(
  rows: Float64Array,
  row: number,
): { readonly appendedMs: number; readonly syncedMs: number | undefined; readonly committedMs: number } {
  const at = (column: number): number => rows[row * timeColumns + column] ?? 0;
  return { appendedMs: at(appended), syncedMs: at(synced) || undefined, committedMs: at(committed) };
}
