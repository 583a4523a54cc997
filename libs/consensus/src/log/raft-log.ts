import { join } from 'node:path';
import { asLogIndex, asMemberId } from '#libs/raft';
import type {
  AppendWork,
  Configuration,
  Entry,
  HardState,
  LogIndex,
  LogReader,
  SnapshotMetadata,
  Term,
} from '#libs/raft';
import type { Disk } from '../environment/disk.js';
import { nodeEnvironment } from '../environment/environment.js';
import type { Environment } from '../environment/environment.js';
import { DataDirectoryError, rebuildAdvice } from '../errors.js';
import type { EntryPlace, EntryWindow } from './entry-window.js';
import { NextSegment } from './next-segment.js';
import { encodeRecord } from './record.js';
import type { EncodedRecord, LogItem } from './record.js';
import { replayLog } from './replay.js';
import type { LogIdentity, ReplayedLog } from './replay.js';
import {
  dataSyncFlag,
  openForAppend,
  preallocate,
  publishSegment,
  segmentHeaderBytes,
  segmentName,
  syncDirectory,
} from './segment.js';
import type { OpenSegment } from './segment.js';

export interface RaftLogOptions extends LogIdentity {
  /** Holds the segments and nothing else; created when absent. */
  readonly directory: string;
  /** Configuration of a log without any snapshot: the initial members. */
  readonly initialConfiguration: Configuration;
  /** Newest snapshot on disk that the store was restored from, undefined when it starts empty. */
  readonly restored: SnapshotMetadata | undefined;
  readonly segmentBytes?: number;
  /** Bytes of entries kept in memory, and kept at all behind a snapshot, for followers that lag a little. Default 8 MiB. */
  readonly keepBytes?: number;
  /** A write or sync failed: nothing about the disk is known any more. The process must end. */
  readonly onFatal: (error: Error) => void;
  readonly onSync?: (seconds: number) => void;
  /** Something that a person should do something about while it still goes on. */
  readonly onWarning?: (message: string) => void;
  readonly onTorn?: (segmentOffset: number) => void;
  /** Default: the machine. */
  readonly environment?: Environment;
}

interface QueuedWork {
  readonly work: AppendWork;
  readonly done: () => void;
}

const defaultSegmentBytes = 16 << 20;
const defaultKeepBytes = 8 << 20;
const firstName = 'first.tmp';

/**
 * The durable log: `append` gathers work while one write+sync runs and makes all of it durable with the
 * next (group commit). What the core reads back is only what is durable.
 *
 * A failed write or sync calls `onFatal` once and the log takes no more work: after a failed fsync the
 * kernel may have dropped the dirty pages, so trying again would claim durability falsely.
 */
export class RaftLog implements LogReader {
  readonly #options: RaftLogOptions;
  readonly #disk: Disk;
  readonly #environment: Environment;
  readonly #segmentBytes: number;
  readonly #keepBytes: number;
  readonly #window: EntryWindow;
  readonly #next: NextSegment;
  #segments: { number: number; maxIndex: number }[];
  #current: OpenSegment;
  #hardState: HardState;
  #snapshot: SnapshotMetadata | undefined;
  #sequence: number;
  #queue: QueuedWork[] = [];
  #writing = false;
  #failed = false;
  #closed = false;
  #closing: Promise<void> | undefined;
  #idle: (() => void)[] = [];

  constructor(options: RaftLogOptions) {
    this.#options = options;
    this.#environment = options.environment ?? nodeEnvironment;
    const { disk } = this.#environment;
    this.#disk = disk;
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes;
    disk.mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    this.#next = new NextSegment({
      directory: options.directory,
      sizeBytes: this.#segmentBytes,
      environment: this.#environment,
      onWarning: options.onWarning ?? (() => undefined),
    });
    this.#keepBytes = options.keepBytes ?? defaultKeepBytes;
    const replayed = replayLog(options.directory, options, this.#keepBytes, disk);
    this.#window = replayed.window;
    this.#hardState = replayed.hardState;
    this.#snapshot = replayed.snapshot;
    this.#sequence = replayed.nextSequence;
    this.#segments = [...replayed.segments];
    if (replayed.tornAt !== undefined) options.onTorn?.(replayed.tornAt);
    const restarted = this.#adoptRestored(options.restored);
    const last = replayed.segments.at(-1);
    this.#current =
      last !== undefined && replayed.tail !== undefined
        ? this.#reopen(last, replayed.tail)
        : this.#create(1, this.#prepareNow());
    // What was read may be with the kernel only, if the last process was killed during its write: a power cut must not take
    // from the log what this process builds upon.
    disk.fsyncSync(this.#current.fd);
    syncDirectory(options.directory, disk);
    if (restarted !== undefined) this.#recordRestart(restarted);
  }

  /**
   * Joins the log to the snapshot that the store was restored from. A snapshot newer than the log (a crash
   * between its rename and the log's record) restarts the log behind it: it is returned, to be recorded before
   * anything is appended. A gap between the two is damage.
   */
  #adoptRestored(restored: SnapshotMetadata | undefined): SnapshotMetadata | undefined {
    const from = restored?.index ?? 0;
    if (from < this.#window.firstIndex - 1) {
      throw new DataDirectoryError(
        'Damaged',
        `the log in ${this.#options.directory} begins at entry ${this.#window.firstIndex}, but the newest good snapshot ends at ${from}: what lies between is gone. ${rebuildAdvice}`,
      );
    }
    this.#snapshot = restored;
    if (restored === undefined) return undefined;
    const restarts = this.#window.term(restored.index) !== restored.term;
    if (restarts) this.#window.reset(restored.index, restored.term);
    if (this.#hardState.commit < restored.index)
      this.#hardState = { ...this.#hardState, commit: restored.index };
    // No vote was given in a term that the log had not heard of.
    if (this.#hardState.term < restored.term)
      this.#hardState = { ...this.#hardState, term: restored.term, vote: asMemberId(0) };
    this.#window.release(restored.index, this.#keepBytes);
    return restarts ? restored : undefined;
  }

  /**
   * Makes durable that the log restarts behind a snapshot: what is appended from now on would otherwise stand behind
   * entries that it does not follow. A crash before this is done leaves the snapshot file, to be joined again.
   */
  #recordRestart(snapshot: SnapshotMetadata): void {
    const items: LogItem[] = [
      { type: 'install', snapshot },
      { type: 'hardState', hardState: this.#hardState },
    ];
    let record = encodeRecord(this.#sequence, items, this.#current);
    if (this.#current.position + record.bytes.length > this.#current.sizeBytes) {
      this.#disk.closeSync(this.#current.fd);
      this.#current = this.#create(this.#current.number + 1, this.#prepareNow());
      record = encodeRecord(this.#sequence, items, this.#current);
    }
    const { bytes, chain } = record;
    const { fd, position } = this.#current;
    for (let at = 0; at < bytes.length;)
      at += this.#disk.writeSync(fd, bytes, at, bytes.length - at, position + at);
    this.#disk.fsyncSync(fd);
    this.#sequence++;
    this.#current.position = position + bytes.length;
    this.#current.chain = chain;
  }

  #reopen(
    last: { readonly number: number; readonly maxIndex: number },
    tail: NonNullable<ReplayedLog['tail']>,
  ): OpenSegment {
    const path = join(this.#options.directory, segmentName(last.number));
    return { ...last, ...tail, path, fd: openForAppend(path, this.#disk) };
  }

  #prepareNow(): string {
    const path = join(this.#options.directory, firstName);
    preallocate(path, this.#segmentBytes, this.#disk);
    return path;
  }

  #create(number: number, prepared: string, sizeBytes = this.#segmentBytes): OpenSegment {
    const salt = this.#environment.random.randomInt(1, 2 ** 32);
    const previousIndex = this.#window.lastIndex;
    const head = encodeRecord(
      this.#sequence++,
      [
        {
          type: 'head',
          head: {
            clusterId: this.#options.clusterId,
            memberId: this.#options.memberId,
            hardState: this.#hardState,
            previousIndex,
            previousTerm: this.#window.term(previousIndex) as Term,
            snapshot: this.#snapshot,
          },
        },
      ],
      { salt, chain: salt },
    );
    publishSegment(this.#options.directory, prepared, number, salt, sizeBytes, head.bytes, this.#disk);
    const path = join(this.#options.directory, segmentName(number));
    this.#segments.push({ number, maxIndex: 0 });
    return {
      number,
      path,
      fd: openForAppend(path, this.#disk),
      sizeBytes,
      salt,
      position: segmentHeaderBytes + head.bytes.length,
      chain: head.chain,
      maxIndex: 0,
    };
  }

  initialState(): { readonly hardState: HardState; readonly configuration: Configuration } {
    return {
      hardState: this.#hardState,
      configuration: this.#snapshot?.configuration ?? this.#options.initialConfiguration,
    };
  }

  firstIndex(): LogIndex {
    return this.#window.firstIndex;
  }

  lastIndex(): LogIndex {
    return this.#window.lastIndex;
  }

  term(index: LogIndex): Term | undefined {
    return this.#window.term(index);
  }

  entries(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] {
    return this.#window.slice(from, to, maxBytes);
  }

  snapshot(): SnapshotMetadata | undefined {
    return this.#snapshot;
  }

  /** Bytes of entries held in memory. */
  get memoryBytes(): number {
    return this.#window.memoryBytes;
  }

  /** Makes one unit of work durable, in the order of the calls, and then calls `done`. */
  append(work: AppendWork, done: () => void): void {
    if (this.#failed || this.#closed) return;
    this.#queue.push({ work, done });
    if (!this.#writing) this.#writeNext();
  }

  #writeNext(): void {
    const batch = this.#queue;
    if (batch.length === 0) {
      this.#writing = false;
      for (const idle of this.#idle.splice(0)) idle();
      return;
    }
    this.#queue = [];
    this.#writing = true;
    const items = itemsOf(batch);
    if (items.length === 0) {
      this.#finish(batch, []);
      return;
    }
    const record = encodeRecord(this.#sequence, items, this.#current);
    if (this.#current.position + record.bytes.length <= this.#current.sizeBytes) {
      this.#sequence++;
      this.#write(record, batch);
      return;
    }
    void this.#roll(record.bytes.length).then(
      () => {
        this.#write(encodeRecord(this.#sequence++, items, this.#current), batch);
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #write({ bytes, chain, entriesAt }: EncodedRecord, batch: readonly QueuedWork[]): void {
    const segment = this.#current;
    const { clock } = this.#environment;
    const started = clock.now();
    const synced = (error: NodeJS.ErrnoException | null): void => {
      if (error !== null) return this.#fail(error);
      this.#options.onSync?.((clock.now() - started) / 1000);
      const places = entriesAt.map((at) => ({ segment: segment.number, offset: segment.position + at }));
      segment.position += bytes.length;
      segment.chain = chain;
      this.#finish(batch, places);
    };
    const writeFrom = (offset: number): void => {
      this.#disk.write(
        segment.fd,
        bytes,
        offset,
        bytes.length - offset,
        segment.position + offset,
        (error, written) => {
          if (error !== null) return this.#fail(error);
          if (offset + written < bytes.length) return writeFrom(offset + written);
          if (dataSyncFlag === undefined) return this.#disk.fdatasync(segment.fd, synced);
          synced(null);
        },
      );
    };
    writeFrom(0);
    if (segment.position > segment.sizeBytes / 2) this.#next.ahead();
  }

  /** `places` are those of all entries of the batch, in order. */
  #finish(batch: readonly QueuedWork[], places: readonly EntryPlace[]): void {
    let taken = 0;
    for (const { work } of batch) {
      if (work.snapshot !== undefined) {
        this.#window.reset(work.snapshot.index, work.snapshot.term);
        this.#snapshot = work.snapshot;
      }
      this.#window.append(work.entries, places.slice(taken, (taken += work.entries.length)));
      const last = work.entries.at(-1);
      if (last !== undefined) this.#noteIndex(last.index);
      if (work.hardState !== undefined) this.#hardState = work.hardState;
    }
    // The next write starts before the callbacks, so that the disk never waits for them.
    this.#writeNext();
    for (const { done } of batch) done();
  }

  #noteIndex(index: number): void {
    const segment = this.#segments.at(-1);
    if (segment !== undefined && segment.maxIndex < index) segment.maxIndex = index;
  }

  async #roll(neededBytes: number): Promise<void> {
    const { path, sizeBytes } = await this.#next.take(neededBytes);
    this.#disk.closeSync(this.#current.fd);
    this.#current = this.#create(this.#current.number + 1, path, sizeBytes);
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#queue = [];
    for (const resolve of this.#idle.splice(0)) resolve();
    const message = error instanceof Error ? error.message : String(error);
    this.#options.onFatal(
      new Error(
        `the log in ${this.#options.directory} could not be made durable: ${message}. This replica stops; check the disk (space, health, mount), then start it again.`,
        { cause: error },
      ),
    );
  }

  /**
   * A snapshot of this replica's own store is durable: entries up to it leave memory (but for a tail for
   * slow followers). Files go up to `releaseIndex`, the *older* of the two snapshots kept, so that a bad
   * newest snapshot still leaves a way back.
   */
  compacted(snapshot: SnapshotMetadata, releaseIndex: LogIndex): void {
    if (this.#snapshot !== undefined && this.#snapshot.index >= snapshot.index) return;
    this.#snapshot = snapshot;
    this.#window.release(snapshot.index, this.#keepBytes);
    const keepFrom = asLogIndex(Math.min(releaseIndex, this.#window.firstIndex - 1));
    while (this.#segments.length > 1 && (this.#segments[0]?.maxIndex ?? Infinity) <= keepFrom) {
      const oldest = this.#segments.shift();
      if (oldest !== undefined)
        this.#disk.unlinkSync(join(this.#options.directory, segmentName(oldest.number)));
    }
    syncDirectory(this.#options.directory, this.#disk);
  }

  /** Waits for the write under way; work that was not begun is dropped. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#queue = [];
    if (this.#writing && !this.#failed) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#next.idle();
    this.#disk.closeSync(this.#current.fd);
  }
}

/** What a batch writes: hard states that a later one replaces are left out. */
function itemsOf(batch: readonly QueuedWork[]): LogItem[] {
  const items: LogItem[] = [];
  let hardState: HardState | undefined;
  for (const { work } of batch) {
    if (work.snapshot !== undefined) items.push({ type: 'install', snapshot: work.snapshot });
    for (const entry of work.entries) items.push({ type: 'entry', entry });
    hardState = work.hardState ?? hardState;
  }
  if (hardState !== undefined) items.push({ type: 'hardState', hardState });
  return items;
}
