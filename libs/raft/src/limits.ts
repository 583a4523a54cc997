import type { Entry } from './types.js';

/** What an entry costs beside its data: its term, index and type on the wire, its object in memory. */
export const entryOverheadBytes = 16;

/** Committed entries of one Ready. One larger entry is still handed out alone. */
export const maxCommittedBytesPerReady = 1 << 20;

/** Committed entries handed out and not yet applied: above it nothing more is handed out until `applied`. */
export const maxApplyingBytes = 16 << 20;

/** Reads that wait on this server for a round; further ones are refused with `tooManyReads`. */
export const maxWaitingReads = 100_000;

export const sizeOf = (entry: Entry): number => entry.data.length + entryOverheadBytes;

export function sizeOfAll(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += sizeOf(entry);
  return bytes;
}

/** How many of entries[at, end) fit into `maxBytes`: at least one if there is any. */
export function countWithin(entries: readonly Entry[], at: number, end: number, maxBytes: number): number {
  let bytes = 0;
  let to = at;
  while (to < end) {
    bytes += sizeOf(entries[to] as Entry);
    if (bytes > maxBytes && to > at) break;
    to += 1;
  }
  return to - at;
}
