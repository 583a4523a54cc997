import { createStore, restoreStore, restoreStoreInSteps } from '#libs/mvcc';
import type { CommandResult, Store, StoreEvent } from '#libs/mvcc';
import { asLogIndex, asTerm } from '#libs/raft';
import type { Configuration, SnapshotMetadata } from '#libs/raft';
import type { Disk } from '../environment/disk.js';
import { committedColumns } from '../thread/protocol.js';
import type { CommittedBatch } from '../thread/protocol.js';
import { restoreNewest } from '../snapshot/snapshot-directory.js';
import { readSnapshotFile } from '../snapshot/snapshot-file.js';
import { envelopeBytes, readEnvelope } from './envelope.js';

interface Answer {
  readonly number: number;
  readonly result: CommandResult;
  /** Which entry of the batch it was. */
  readonly row: number;
}

/** What one batch of the log did, gathered so that watchers hear of it before callers do. */
export interface AppliedBatch {
  readonly events: readonly StoreEvent[];
  /** Those of the etcd space. */
  readonly etcdEvents: readonly StoreEvent[];
  /** Commands of this process's session, with the number each was proposed under. */
  readonly answers: readonly Answer[];
  readonly entries: number;
  readonly bytes: number;
  readonly lastTerm: number;
}

/** The replica's copy of the state machine, fed by committed entries or replaced by a snapshot. */
export class ReplicaState {
  readonly #session: number;
  #store: Store;
  #lastTerm: number;

  constructor(
    session: number,
    restored: { readonly store: Store; readonly metadata: SnapshotMetadata } | undefined,
  ) {
    this.#session = session;
    this.#store = restored?.store ?? createStore();
    this.#lastTerm = restored?.metadata.term ?? 0;
  }

  get store(): Store {
    return this.#store;
  }

  get lastTerm(): number {
    return this.#lastTerm;
  }

  /** Applies in order. Throws when an entry cannot be applied: then this replica must not go on. */
  apply({ from, table, data }: CommittedBatch): AppliedBatch {
    const bytes = Buffer.from(data);
    let events: StoreEvent[] = [];
    let etcdEvents: StoreEvent[] = [];
    const answers: Answer[] = [];
    const entries = table.length / committedColumns;
    let at = 0;
    for (let i = 0; i < entries; i++) {
      const term = table[i * committedColumns] ?? 0;
      const length = table[i * committedColumns + 1] ?? 0;
      const entry = bytes.subarray(at, at + length);
      at += length;
      const applied = this.#store.apply(from + i, term, length === 0 ? entry : entry.subarray(envelopeBytes));
      this.#lastTerm = term;
      if (applied === undefined) continue;
      if (applied.events.length > 0) {
        if (applied.space === 'etcd') etcdEvents = append(etcdEvents, applied.events);
        else events = append(events, applied.events);
      }
      const { session, number } = readEnvelope(entry);
      if (session === this.#session) answers.push({ number, result: applied.result, row: i });
    }
    return { events, etcdEvents, answers, entries, bytes: data.byteLength, lastTerm: this.#lastTerm };
  }

  /**
   * Puts the leader's snapshot in the place of everything, with the last of its steps; until then the store is what it was.
   * Throws when the file does not hold.
   */
  *install(path: string, metadata: SnapshotMetadata, disk: Disk): Generator<undefined, void, undefined> {
    const store = yield* restoreStoreInSteps(readSnapshotFile(path, disk));
    this.#store = checked(store, path, metadata.index);
    this.#lastTerm = metadata.term;
  }

  /** What a snapshot taken now is a snapshot of. */
  metadata(configuration: Configuration): SnapshotMetadata {
    return { index: asLogIndex(this.#store.appliedIndex), term: asTerm(this.#lastTerm), configuration };
  }
}

function append(events: StoreEvent[], more: readonly StoreEvent[]): StoreEvent[] {
  if (events.length === 0) return [...more];
  for (const event of more) events.push(event);
  return events;
}

function checked(store: Store, path: string, index: number): Store {
  if (store.appliedIndex !== index) {
    throw new Error(`the snapshot ${path} holds the state at entry ${store.appliedIndex}, not at ${index}`);
  }
  return store;
}

/** The newest snapshot that holds, restored; undefined when there is none. */
export function restoreState(
  directory: string,
  onBad: (path: string, error: Error) => void,
  disk: Disk,
): { readonly store: Store; readonly metadata: SnapshotMetadata } | undefined {
  const found = restoreNewest(
    directory,
    (path, metadata) => checked(restoreStore(readSnapshotFile(path, disk)), path, metadata.index),
    onBad,
    disk,
  );
  return found === undefined ? undefined : { store: found.restored, metadata: found.metadata };
}
