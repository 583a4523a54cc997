import { invariant } from './invariant.js';
import { countWithin } from './limits.js';
import {
  asLogIndex,
  asTerm,
  type AppendWork,
  type Entry,
  type HardState,
  type LogReader,
  type SnapshotMetadata,
  type Term,
} from './types.js';

/** A handed-out AppendWork. `validTo`: how far what it wrote is still our log when it becomes durable. */
interface WorkInFlight {
  readonly sequence: number;
  readonly snapshot: SnapshotMetadata | undefined;
  readonly commit: number;
  validTo: number;
}

const none: readonly Entry[] = [];
const scanBytes = 1 << 20;

/**
 * The log as this server believes it to be: what the host has made durable (read through LogReader),
 * followed by a tail that is not durable yet. Entries are referenced, never copied.
 *
 * Writes may complete long after they were handed out, and a conflicting tail may have replaced
 * them meanwhile (perhaps at the same indexes). So each work in flight remembers how much of it is
 * still valid; a truncation lowers that, and a completion can only confirm what it still covers.
 */
export class RaftLog {
  committed: number;
  applied: number;
  private handedOut: number;
  /** Entries from `tailFrom` on, all not durable; the log before it is durable. */
  private readonly tail: Entry[] = [];
  private tailFrom: number;
  /** The last index that is part of some AppendWork. */
  private emittedTo: number;
  /** A received snapshot that is not durable yet: the log begins behind it. */
  private snapshotPending: SnapshotMetadata | undefined;
  private snapshotEmitted = false;
  private readonly inFlight: WorkInFlight[] = [];
  private sequence = 0;
  /** The commit index that the disk knows. */
  private durableCommit: number;
  /** Configuration entries behind `durableCommit`, in order. */
  private readonly configurations: number[] = [];

  constructor(
    private readonly reader: LogReader,
    applied: number,
    commit: number,
  ) {
    const first = reader.firstIndex();
    const last = reader.lastIndex();
    invariant(
      applied >= first - 1,
      `the state machine (${applied}) is behind the start of the log (${first})`,
    );
    invariant(
      commit <= last && applied <= last,
      `the log ends at ${last}, before commit ${commit} or applied ${applied}`,
    );
    this.committed = Math.max(commit, applied);
    this.applied = applied;
    this.handedOut = applied;
    this.tailFrom = last + 1;
    this.emittedTo = last;
    this.durableCommit = this.committed;
    for (let from = this.committed + 1; from <= last;) {
      const entries = reader.entries(asLogIndex(from), asLogIndex(last + 1), scanBytes);
      for (const entry of entries) this.noteConfiguration(entry);
      from += entries.length;
    }
  }

  get firstIndex(): number {
    return this.snapshotPending === undefined ? this.reader.firstIndex() : this.snapshotPending.index + 1;
  }

  get lastIndex(): number {
    return this.tailFrom + this.tail.length - 1;
  }

  get lastTerm(): Term {
    return this.term(this.lastIndex) ?? asTerm(0);
  }

  /** How far the log is on this server's disk. */
  get durableTo(): number {
    return this.snapshotPending === undefined ? this.tailFrom - 1 : 0;
  }

  /**
   * The commit index that others may hear of and that is acted upon: a committed configuration counts from when the disk
   * knows that it is. A member that leaves with the entry could otherwise be the last one to know that it may: who stays
   * and restarts would wait for its vote for ever.
   */
  get shownCommit(): number {
    const [next] = this.configurations;
    return next === undefined ? this.committed : Math.min(this.committed, next - 1);
  }

  /** Whether the commit index must be written, where `saved` is the one that was handed out to be. */
  owesCommit(saved: number): boolean {
    return this.configurations.some((index) => index > saved && index <= this.committed);
  }

  get restoring(): boolean {
    return this.snapshotPending !== undefined;
  }

  /** The newest work that the host has not yet reported durable; 0 if there is none. */
  get newestInFlight(): number {
    return this.inFlight.length === 0 ? 0 : this.sequence;
  }

  /** Undefined when compacted or beyond the end. */
  term(index: number): Term | undefined {
    if (index >= this.tailFrom) return this.tail[index - this.tailFrom]?.term;
    const snapshot = this.snapshotPending;
    if (snapshot !== undefined) return index === snapshot.index ? snapshot.term : undefined;
    return index === 0 ? asTerm(0) : this.reader.term(asLogIndex(index));
  }

  /** Entries from `from` on, about `maxBytes` of them, at least one if there is any. May stop short of that. */
  entries(from: number, maxBytes: number): readonly Entry[] {
    if (from > this.lastIndex) return none;
    if (from < this.tailFrom)
      return this.reader.entries(asLogIndex(from), asLogIndex(this.tailFrom), maxBytes);
    const at = from - this.tailFrom;
    return this.tail.slice(at, at + countWithin(this.tail, at, this.tail.length, maxBytes));
  }

  snapshot(): SnapshotMetadata | undefined {
    return this.reader.snapshot();
  }

  append(entry: Entry): void {
    invariant(entry.index === this.lastIndex + 1, `entry ${entry.index} appended behind ${this.lastIndex}`);
    this.tail.push(entry);
    this.noteConfiguration(entry);
  }

  private noteConfiguration(entry: Entry): void {
    if (entry.type === 'configuration') this.configurations.push(entry.index);
  }

  /** Removes what follows a point of conflict. Committed entries never conflict. */
  truncateFrom(index: number): void {
    invariant(index > this.committed, `conflict at ${index}, which is committed (${this.committed})`);
    if (index <= this.tailFrom) {
      this.tail.length = 0;
      this.tailFrom = index;
    } else this.tail.length = index - this.tailFrom;
    this.emittedTo = Math.min(this.emittedTo, index - 1);
    while ((this.configurations.at(-1) ?? 0) >= index) this.configurations.pop();
    for (const work of this.inFlight) work.validTo = Math.min(work.validTo, index - 1);
  }

  /** Begins anew behind a snapshot. Nothing that was in flight tells anything about the new log. */
  restore(snapshot: SnapshotMetadata): void {
    invariant(
      snapshot.index > this.committed,
      `snapshot ${snapshot.index} is older than commit ${this.committed}`,
    );
    this.snapshotPending = snapshot;
    this.snapshotEmitted = false;
    this.tail.length = 0;
    this.tailFrom = snapshot.index + 1;
    this.emittedTo = snapshot.index;
    this.committed = snapshot.index;
    this.configurations.length = 0;
    for (const work of this.inFlight) work.validTo = 0;
  }

  /**
   * The highest index at or below `index` whose term is at most `term`: the last place where a log
   * that ends in `term` can agree with this one (paper §5.3, by term instead of by entry).
   */
  agreementBefore(index: number, term: number): number {
    let at = Math.min(index, this.lastIndex);
    while (at > 0) {
      const here = this.term(at);
      if (here === undefined || here <= term) break;
      at -= 1;
    }
    return at;
  }

  get hasNewWork(): boolean {
    return this.emittedTo < this.lastIndex || (this.snapshotPending !== undefined && !this.snapshotEmitted);
  }

  takeWork(hardState: HardState | undefined): AppendWork | undefined {
    if (hardState === undefined && !this.hasNewWork) return undefined;
    const entries =
      this.emittedTo < this.lastIndex ? this.tail.slice(this.emittedTo + 1 - this.tailFrom) : none;
    const snapshot = this.snapshotEmitted ? undefined : this.snapshotPending;
    this.snapshotEmitted = this.snapshotPending !== undefined;
    this.emittedTo = this.lastIndex;
    this.sequence += 1;
    const validTo = entries.length > 0 ? this.lastIndex : (snapshot?.index ?? 0);
    const commit = Math.max(hardState?.commit ?? 0, snapshot?.index ?? 0);
    this.inFlight.push({ sequence: this.sequence, snapshot, commit, validTo });
    return { sequence: this.sequence, hardState, entries, snapshot };
  }

  appended(sequence: number): void {
    const work = this.inFlight.shift();
    invariant(work?.sequence === sequence, `appended(${sequence}) out of order`);
    this.durableCommit = Math.max(this.durableCommit, work.commit);
    while ((this.configurations[0] ?? Infinity) <= this.durableCommit) this.configurations.shift();
    if (work.snapshot !== undefined) {
      this.applied = Math.max(this.applied, work.snapshot.index);
      this.handedOut = Math.max(this.handedOut, work.snapshot.index);
      if (work.snapshot === this.snapshotPending) {
        this.snapshotPending = undefined;
        this.snapshotEmitted = false;
      }
    }
    if (work.validTo >= this.tailFrom) {
      this.tail.splice(0, work.validTo + 1 - this.tailFrom);
      this.tailFrom = work.validTo + 1;
    }
  }

  /** Committed (see `shownCommit`), durable here, and not handed out before. */
  takeCommitted(maxBytes: number): readonly Entry[] {
    const to = Math.min(this.shownCommit, this.durableTo);
    if (this.handedOut >= to) return none;
    const from = asLogIndex(this.handedOut + 1);
    const entries = this.reader.entries(from, asLogIndex(to + 1), maxBytes);
    invariant(entries[0]?.index === from, `the log does not hold committed entry ${from}`);
    this.handedOut += entries.length;
    return entries;
  }

  appliedTo(index: number): void {
    invariant(index <= this.handedOut, `applied(${index}) is beyond what was handed out (${this.handedOut})`);
    this.applied = Math.max(this.applied, index);
  }
}
