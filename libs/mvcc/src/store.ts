import { decodeCommand } from './command-codec.js';
import { RunningHash } from './hash.js';
import { KeySpace } from './key-space.js';
import { Leases } from './leases.js';
import { Sessions, refusalCode } from './sessions.js';
import { readSnapshot, writeSnapshot } from './snapshot.js';
import type { StoreState } from './snapshot.js';
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
  Store,
  StoreEvent,
} from './types.js';

/** Freed a command while compacted history is left: far more than one command adds. */
const sweptEventsPerApply = 64;
const none: readonly never[] = [];

/** An empty store: revision 1, nothing applied. */
export function createStore(): Store {
  return new ReplicatedStore({
    keys: new KeySpace(),
    leases: new Leases(),
    sessions: new Sessions(),
    hash: new RunningHash(),
    appliedIndex: 0,
  });
}

/**
 * The store that `snapshot()` saw, history within retention, sessions, leases and running hash included.
 * Chunks may be cut anew on their way: only their concatenation counts. They are not kept.
 * Throws SnapshotError when anything is missing, damaged or of an unknown format.
 */
export function restoreStore(chunks: Iterable<Uint8Array>): Store {
  return new ReplicatedStore(readSnapshot(chunks));
}

class ReplicatedStore implements Store {
  private readonly keys: KeySpace;
  private readonly leaseTable: Leases;
  private readonly sessions: Sessions;
  private readonly running: RunningHash;
  private index: number;

  constructor(state: StoreState) {
    this.keys = state.keys;
    this.leaseTable = state.leases;
    this.sessions = state.sessions;
    this.running = state.hash;
    this.index = state.appliedIndex;
  }

  get revision(): Revision {
    return this.keys.revision;
  }

  get compactedRevision(): Revision {
    return this.keys.compactedRevision;
  }

  get appliedIndex(): number {
    return this.index;
  }

  get sizeBytes(): number {
    return this.keys.liveBytes + this.keys.historyBytes;
  }

  get inUseBytes(): number {
    return this.keys.liveBytes;
  }

  get keyCount(): number {
    return this.keys.liveCount;
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
    this.keys.sweep(sweptEventsPerApply);
    return applied;
  }

  private applyOnce(command: Command, term: number): ApplyResult {
    const known = this.sessions.recall(command.id);
    if (known !== undefined) {
      this.sessions.acknowledge(command.id, this.index);
      const result = known === 'expired' ? this.dress(refuse('sessionExpired')) : known;
      return { result, events: none };
    }
    const outcome = this.perform(command, term);
    const result = this.dress(outcome);
    this.sessions.remember(command.id, this.index, result);
    return { result, events: outcome.events };
  }

  private dress(outcome: Outcome): CommandResult {
    const { succeeded, refused, results } = outcome;
    return { revision: this.keys.revision, succeeded, refused, results, repeated: false };
  }

  private perform(command: Command, term: number): Outcome {
    switch (command.type) {
      case 'txn':
        return applyTxn(command, term, this.keys, this.leaseTable);
      case 'compact':
        if (command.revision > this.keys.revision) return refuse('futureRevision');
        if (command.revision <= this.keys.compactedRevision) return refuse('compacted');
        this.keys.compact(command.revision);
        return done(none);
      case 'leaseGrant':
        if (this.leaseTable.has(command.lease)) return refuse('leaseExists');
        this.leaseTable.grant(command.lease, command.ttlSeconds);
        return done(none);
      case 'leaseRenew':
        if (!this.leaseTable.has(command.lease)) return refuse('leaseNotFound');
        this.leaseTable.renew(command.lease);
        return done(none);
      case 'leaseRevoke':
        return this.revoke(command.lease, command.ifRenewal);
    }
  }

  private revoke(id: number, ifRenewal: number | undefined): Outcome {
    const lease = this.leaseTable.get(id);
    if (lease === undefined) return refuse('leaseNotFound');
    if (ifRenewal !== undefined && ifRenewal !== lease.renewals) return refuse('leaseRenewed');
    const revision = asRevision(this.keys.revision + 1);
    const events: StoreEvent[] = [];
    for (const key of this.leaseTable.revoke(id)) {
      const event = this.keys.delete(revision, key);
      if (event !== undefined) events.push(event);
    }
    if (events.length > 0) this.keys.revision = revision;
    return done(events);
  }

  get(key: string, revision?: Revision): KeyValue | undefined {
    return this.keys.get(key, revision);
  }

  range(query: RangeQuery): RangeResult {
    return this.keys.range(query);
  }

  eventsSince(from: Revision, start: string, end?: string): readonly StoreEvent[] {
    return this.keys.eventsSince(from, start, end);
  }

  leases(): readonly Lease[] {
    return this.leaseTable.all();
  }

  hash(): number {
    return this.running.value();
  }

  sweep(maxEvents: number): boolean {
    return this.keys.sweep(maxEvents);
  }

  snapshot(): Iterable<Uint8Array> {
    const { keys, sessions, running: hash, index: appliedIndex } = this;
    return writeSnapshot({ keys, leases: this.leaseTable, sessions, hash, appliedIndex });
  }
}

function done(events: readonly StoreEvent[]): Outcome {
  return { succeeded: true, results: none, events };
}
