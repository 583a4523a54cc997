import { invariant } from './invariant.js';
import { countWithin } from './limits.js';
import {
  asLogIndex,
  asTerm,
  noMember,
  type AppendWork,
  type Configuration,
  type Entry,
  type HardState,
  type LogIndex,
  type LogReader,
  type SnapshotMetadata,
} from './types.js';

/** A LogReader that lives in memory, with the writes that a host does to its log. */
export interface MemoryLog extends LogReader {
  /** Does what an AppendWork asks for: snapshot, then entries (over a conflicting tail), then hard state. */
  append(work: AppendWork): void;
  /** Names the newest snapshot and forgets the entries up to `keepFrom` (default: all that it covers). */
  compact(snapshot: SnapshotMetadata, keepFrom?: number): void;
}

/**
 * The log of a server without a disk: for tests, and for hosts whose durability lies elsewhere.
 * `configuration` rules until a snapshot brings another.
 */
export function createMemoryLog(configuration: Configuration): MemoryLog {
  let hardState: HardState = { term: asTerm(0), vote: noMember, commit: asLogIndex(0) };
  let snapshot: SnapshotMetadata | undefined;
  let base = { index: 0, term: asTerm(0) };
  let entries: Entry[] = [];

  const last = (): number => base.index + entries.length;
  const write = (added: readonly Entry[]): void => {
    const from = (added[0] as Entry).index;
    invariant(from > base.index && from <= last() + 1, `entry ${from} does not follow on ${last()}`);
    entries.length = from - base.index - 1;
    for (const entry of added) entries.push(entry);
  };

  return {
    initialState: () => ({ hardState, configuration: snapshot?.configuration ?? configuration }),
    firstIndex: () => asLogIndex(base.index + 1),
    lastIndex: () => asLogIndex(last()),
    term: (index) => (index === base.index ? base.term : entries[index - base.index - 1]?.term),
    entries(from: LogIndex, to: LogIndex, maxBytes: number) {
      invariant(from > base.index && to <= last() + 1, `entries [${from}, ${to}) are not in the log`);
      const at = from - base.index - 1;
      return entries.slice(at, at + countWithin(entries, at, to - base.index - 1, maxBytes));
    },
    snapshot: () => snapshot,
    append(work) {
      if (work.snapshot !== undefined) {
        snapshot = work.snapshot;
        base = { index: snapshot.index, term: snapshot.term };
        entries = [];
      }
      if (work.entries.length > 0) write(work.entries);
      if (work.hardState !== undefined) hardState = work.hardState;
    },
    compact(taken, keepFrom = taken.index + 1) {
      invariant(
        taken.index <= last() && keepFrom <= taken.index + 1,
        'a snapshot must cover what is forgotten',
      );
      snapshot = taken;
      const baseIndex = keepFrom - 1;
      if (baseIndex <= base.index) return;
      const term = entries[baseIndex - base.index - 1]?.term;
      invariant(term !== undefined, `entry ${baseIndex} is not in the log`);
      entries = entries.slice(baseIndex - base.index);
      base = { index: baseIndex, term };
    },
  };
}
