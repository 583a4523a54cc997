import { ByteWriter } from '../bytes.js';
import { RunningHash } from '../hash.js';
import { writeSpaceSnapshot } from '../snapshot.js';
import type { Space } from '../space.js';
import { asRevision } from '../types.js';
import type { Lease, Revision, StoreEvent } from '../types.js';
import { readRange } from './range.js';
import { readEtcdTxn } from './txn.js';
import type { EtcdRange, EtcdRangeResult, EtcdTxn, EtcdTxnResult } from './types.js';

/** The etcd key space of a store, for reading. Nothing of the other space can be reached through it. */
export interface EtcdView {
  readonly revision: Revision;
  readonly compactedRevision: Revision;
  readonly keyCount: number;
  readonly sizeBytes: number;
  readonly inUseBytes: number;
  /** Throws CompactedError or FutureRevisionError. */
  range(request: EtcdRange): EtcdRangeResult;
  /** A transaction without writes. Throws CompactedError, FutureRevisionError, or Error when it has some. */
  read(txn: EtcdTxn): EtcdTxnResult;
  /** Events with modRevision ≥ from in [start, end), oldest first. Throws CompactedError. */
  eventsSince(from: Revision, start: string, end?: string): readonly StoreEvent[];
  lease(id: number): Lease | undefined;
  leases(): readonly Lease[];
  /**
   * 32 bits over all keys as of a revision (absent: the newest): equal on replicas that hold the same. It is our own, not
   * etcd's, which depends on its file format. Throws CompactedError or FutureRevisionError.
   */
  hash(revision?: number): number;
  /** This space alone, in the format of store snapshots; an immutable view, encoded while it is iterated. */
  snapshot(): Iterable<Uint8Array>;
}

export function viewEtcdSpace(space: Space): EtcdView {
  const { keys, leases } = space;
  return {
    get revision() {
      return keys.revision;
    },
    get compactedRevision() {
      return keys.compactedRevision;
    },
    get keyCount() {
      return keys.liveCount;
    },
    get sizeBytes() {
      return keys.liveBytes + keys.historyBytes + leases.sizeBytes;
    },
    get inUseBytes() {
      return keys.liveBytes + leases.sizeBytes;
    },
    range: (request) => readRange(keys, request),
    read: (txn) => readEtcdTxn(txn, space),
    eventsSince: (from, start, end) => keys.eventsSince(from, start, end),
    lease: (id) => leases.get(id),
    leases: () => leases.all(),
    hash: (revision) => hashKeys(space, revision),
    snapshot: () => writeSpaceSnapshot(space),
  };
}

function hashKeys({ keys }: Space, revision: number | undefined): number {
  const hash = new RunningHash();
  const at = revision === undefined ? keys.revision : asRevision(revision);
  for (const found of keys.range({ start: '', end: '\0', revision: at }).keyValues) {
    const text = new ByteWriter(found.key.length + 8);
    text.text(found.key);
    hash.mixBytes(text.finish());
    hash.mixBytes(found.value);
    for (const number of [found.createRevision, found.modRevision, found.version, found.lease]) {
      hash.mixInteger(number);
    }
  }
  return hash.lanes().low;
}
