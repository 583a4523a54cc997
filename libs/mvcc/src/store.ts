import { Alarms } from './alarms.js';
import type { Alarm } from './alarms.js';
import { decodeCommand } from './command-codec.js';
import { applyEtcdTxn, etcdTxnPuts } from './etcd/txn.js';
import { viewEtcdSpace } from './etcd/view.js';
import type { EtcdView } from './etcd/view.js';
import { HashCheck } from './hash-check.js';
import type { HashCheckState } from './hash-check.js';
import { RunningHash } from './hash.js';
import { Sessions, refusalCode } from './sessions.js';
import { readSnapshot, writeSnapshot } from './snapshot.js';
import type { Steps, StoreState } from './snapshot.js';
import { applySpaceCommand, createSpace } from './space.js';
import type { Space } from './space.js';
import { applyTxn, refuse } from './txn.js';
import type { Outcome } from './txn.js';
import { asRevision } from './types.js';
import type {
  ApplyResult,
  Command,
  CommandResult,
  KeyValue,
  Lease,
  RangeQuery,
  RangeResult,
  Revision,
  SpaceName,
  Store,
  StoreEvent,
} from './types.js';

/** Freed a command while compacted history is left: far more than one command adds. */
const sweptEventsPerApply = 64;
const none: readonly never[] = [];
const nothingWritten: Outcome = { succeeded: true, results: none, events: none };

/** An empty store: revision 1, nothing applied. */
export function createStore(): Store {
  return new ReplicatedStore({
    spaces: { kubernetes: createSpace(), etcd: createSpace() },
    sessions: new Sessions(),
    hash: new RunningHash(),
    alarms: new Alarms(),
    hashCheck: new HashCheck(),
    appliedIndex: 0,
  });
}

/**
 * The store that `snapshot()` saw, history within retention, sessions, leases and running hash included.
 * Chunks may be cut anew on their way: only their concatenation counts. They are not kept.
 * Throws SnapshotError when anything is missing, damaged or of an unknown format.
 */
export function restoreStore(chunks: Iterable<Uint8Array>): Store {
  return finish(restoreStoreInSteps(chunks));
}

/** The same in steps of a millisecond or two: the store is what the generator returns. */
export function* restoreStoreInSteps(chunks: Iterable<Uint8Array>): Steps<Store> {
  return new ReplicatedStore(yield* readSnapshot(chunks));
}

function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

const sweptEventsPerStep = 10_000;

/**
 * The store of another cluster that begins with what a snapshot holds. Its revisions go on `addRevisions` (at least 1)
 * above those of the snapshot and everything below is compacted: a client that has seen revisions which the snapshot does
 * not know finds its own gone rather than given to other writes. Who is to be answered exactly once, alarms and hash checks
 * belonged to the old cluster. Throws SnapshotError, and RangeError when the revisions would not be safe integers.
 */
export function restoreStoreAnew(chunks: Iterable<Uint8Array>, addRevisions: number): Store {
  const { spaces, hash, appliedIndex } = finish(readSnapshot(chunks));
  for (const { keys } of [spaces.kubernetes, spaces.etcd]) {
    const revision = keys.revision + addRevisions;
    if (!Number.isSafeInteger(addRevisions) || addRevisions < 1 || revision > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(
        `revision ${keys.revision} cannot go on ${addRevisions} higher: from 1 on, up to ${Number.MAX_SAFE_INTEGER} in all`,
      );
    }
    keys.revision = asRevision(revision);
    keys.compact(keys.revision);
    while (keys.sweep(sweptEventsPerStep));
  }
  return new ReplicatedStore({
    spaces,
    sessions: new Sessions(),
    hash,
    alarms: new Alarms(),
    hashCheck: new HashCheck(),
    appliedIndex,
  });
}

class ReplicatedStore implements Store {
  readonly etcd: EtcdView;
  private readonly spaces: Readonly<Record<SpaceName, Space>>;
  private readonly main: Space;
  private readonly sessions: Sessions;
  private readonly running: RunningHash;
  private readonly raised: Alarms;
  private readonly check: HashCheck;
  private index: number;

  constructor(state: StoreState) {
    this.spaces = state.spaces;
    this.main = state.spaces.kubernetes;
    this.etcd = viewEtcdSpace(state.spaces.etcd);
    this.sessions = state.sessions;
    this.running = state.hash;
    this.raised = state.alarms;
    this.check = state.hashCheck;
    this.index = state.appliedIndex;
  }

  get revision(): Revision {
    return this.main.keys.revision;
  }

  get compactedRevision(): Revision {
    return this.main.keys.compactedRevision;
  }

  get appliedIndex(): number {
    return this.index;
  }

  get sizeBytes(): number {
    return this.main.keys.historyBytes + this.mainInUseBytes + this.etcd.sizeBytes;
  }

  get inUseBytes(): number {
    return this.mainInUseBytes + this.etcd.inUseBytes;
  }

  private get mainInUseBytes(): number {
    const { keys, leases } = this.main;
    return keys.liveBytes + leases.sizeBytes;
  }

  get keyCount(): number {
    return this.main.keys.liveCount;
  }

  apply(index: number, term: number, bytes: Uint8Array): ApplyResult | undefined {
    if (index !== this.index + 1) {
      throw new Error(`entry ${index} cannot follow entry ${this.index}: applying must have no gaps`);
    }
    // Before anything changes: bytes that are no command must leave the store as it was.
    const command = bytes.length === 0 ? undefined : decodeCommand(bytes);
    this.index = index;
    this.running.mixInteger(index);
    this.running.mixInteger(term);
    if (command === undefined) return undefined;
    this.running.mixBytes(bytes);
    const applied = this.applyOnce(command, term);
    this.running.mixInteger(applied.result.revision);
    this.running.mixInteger(refusalCode(applied.result.refused) * 2 + (applied.result.succeeded ? 1 : 0));
    this.running.mixInteger(applied.events.length);
    for (const event of applied.events) this.mixChange(event);
    this.sweep(sweptEventsPerApply);
    return applied;
  }

  /** What an event found and what it left: a replica whose state has come to differ shows it when that is next written. */
  private mixChange({ keyValue, previous }: StoreEvent): void {
    const { running } = this;
    running.mixInteger(keyValue.version);
    if (previous === undefined) return;
    running.mixInteger(previous.createRevision);
    running.mixInteger(previous.modRevision);
    running.mixInteger(previous.lease);
    running.mixBytes(previous.value);
  }

  private applyOnce(command: Command, term: number): ApplyResult {
    const space = spaceOf(command);
    const known = this.sessions.recall(command.id);
    if (known !== undefined) {
      this.sessions.acknowledge(command.id, this.index);
      const result = known === 'expired' ? this.dress(refuse('sessionExpired'), space) : known;
      return { result, events: none, space };
    }
    const outcome = this.perform(command, term);
    const result = this.dress(outcome, space);
    this.sessions.remember(command.id, this.index, result);
    return { result, events: outcome.events, space };
  }

  private dress(outcome: Outcome, space: SpaceName): CommandResult {
    const { succeeded, refused, results, etcd } = outcome;
    const { revision } = this.spaces[space].keys;
    const result = { revision, succeeded, refused, results, repeated: false };
    return etcd === undefined ? result : { ...result, etcd };
  }

  private perform(command: Command, term: number): Outcome {
    if (this.raised.has('noSpace') && grows(command)) return refuse('noSpace');
    switch (command.type) {
      case 'txn':
        return applyTxn(command, term, this.main.keys, this.main.leases);
      case 'etcdTxn':
        return applyEtcdTxn(command.txn, this.spaces.etcd);
      case 'alarm':
        this.raised[command.action](command.alarm, command.member);
        return nothingWritten;
      case 'hashCheck':
        this.check.begin(this.index, this.running.value(), command.voters, this.raised);
        return nothingWritten;
      case 'hashReport':
        this.check.report(command.check, command.member, command.hash, this.raised);
        return nothingWritten;
      default:
        return applySpaceCommand(command, this.spaces[spaceOf(command)]);
    }
  }

  get(key: string, revision?: Revision): KeyValue | undefined {
    return this.main.keys.get(key, revision);
  }

  range(query: RangeQuery): RangeResult {
    return this.main.keys.range(query);
  }

  eventsSince(from: Revision, start: string, end?: string): readonly StoreEvent[] {
    return this.main.keys.eventsSince(from, start, end);
  }

  leases(): readonly Lease[] {
    return this.main.leases.all();
  }

  hash(): number {
    return this.running.value();
  }

  alarms(): readonly Alarm[] {
    return this.raised.all();
  }

  get hashCheck(): HashCheckState {
    return this.check.state;
  }

  sweep(maxEvents: number): boolean {
    const left = this.main.keys.sweep(maxEvents);
    return this.spaces.etcd.keys.sweep(maxEvents) || left;
  }

  snapshot(): Iterable<Uint8Array> {
    const { spaces, sessions, running: hash, raised: alarms, check: hashCheck, index: appliedIndex } = this;
    return writeSnapshot({ spaces, sessions, hash, alarms, hashCheck, appliedIndex });
  }
}

function spaceOf(command: Command): SpaceName {
  if (command.type === 'etcdTxn') return 'etcd';
  return 'space' in command ? (command.space ?? 'kubernetes') : 'kubernetes';
}

/** What etcd refuses, too, while it has no space: whatever might put, and new leases. Deletes and renewals go on. */
function grows(command: Command): boolean {
  switch (command.type) {
    case 'txn':
      return [...command.success, ...command.failure].some(({ type }) => type === 'put');
    case 'etcdTxn':
      return etcdTxnPuts(command.txn);
    default:
      return command.type === 'leaseGrant';
  }
}
