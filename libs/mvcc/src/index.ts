/**
 * The replicated state machine: revisioned keys, compare-and-put transactions, retained events, leases.
 *
 * Contract: a store is a pure function of the log entries applied to it. Nothing but `apply` changes it;
 * equal logs give equal stores, equal hashes and equal snapshot bytes, on any machine and at any time.
 * It holds no clock, no file and no socket: its host feeds it committed entries in order, without
 * gaps, counts the seconds of leases, and sends the events on to watchers.
 *
 *   const store = createStore();
 *   const bytes = encodeCommand({
 *     type: 'txn',
 *     id: { session: 7, sequence: 1, answeredBelow: 1 },
 *     compare: [{ key: '/a', target: 'modRevision', operator: '=', operand: 0 }],
 *     success: [{ type: 'put', key: '/a', value }],
 *     failure: [],
 *   });
 *   for (const entry of committed) {
 *     const applied = store.apply(entry.index, entry.term, entry.data);
 *     if (applied) notify(applied.events, store.revision);
 *   }
 *   store.range({ start: '/a', end: prefixEnd('/a'), limit: 500 });
 *
 * Two key spaces: the API server's, with compares and operations cut to its needs, and a second one (`etcd/`) with the
 * whole of etcd's, for etcd's own clients. They share the log, the sessions and the snapshot, and nothing else.
 *
 * History: a read or a watch at any revision from `compactedRevision` on is exact. `compact` only moves that
 * bound; what it frees is freed in small steps by later commands, or by `sweep` when idle.
 */
export * from './types.js';
export * from './etcd/types.js';
export { etcdTxnPuts, onlyReads } from './etcd/txn.js';
export type { EtcdView } from './etcd/view.js';
export type { Alarm, AlarmType } from './alarms.js';
export { alarmTypes } from './alarms.js';
export type { HashCheckState } from './hash-check.js';
export { decodeCommand, encodeCommand } from './command-codec.js';
export { CompactedError, DecodeError, FutureRevisionError, SnapshotError } from './errors.js';
export { compareKeys, effectiveEnd, inRange, prefixEnd, unboundedEnd } from './key-range.js';
export { createMirror, MirrorError } from './mirror.js';
export type { Mirror, MirrorChange } from './mirror.js';
export { createOrderedMap } from './ordered-map.js';
export type { OrderedMap } from './ordered-map.js';
export { createStore, restoreStore, restoreStoreAnew, restoreStoreInSteps } from './store.js';
