import type { Revision } from './types.js';

/** The revision asked for lies below the compacted one: its history is gone. Read anew. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError';
  constructor(
    readonly requested: Revision,
    /** The oldest revision that can still be read and watched. */
    readonly firstAvailable: Revision,
  ) {
    super(`revision ${requested} has been compacted, the first available is ${firstAvailable}`);
  }
}

/** The revision asked for has not been applied here yet. */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError';
  constructor(
    readonly requested: Revision,
    readonly current: Revision,
  ) {
    super(`revision ${requested} is in the future, the store is at ${current}`);
  }
}

/** Bytes that are no command; the message names the field and the byte offset. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** A snapshot that is damaged, cut short or of another format; nothing of it may be used. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}
