/**
 * Consensus made real: the Raft core and the replicated store, with their log, their snapshots, their peers
 * and their thread, behind one port.
 *
 * `openExternal` stands the same port on an external etcd: a replica fed by its watch, an election held in it.
 *
 * Contract: `Storage` is the one way to state. Reads answer from this replica's memory; a write resolves
 * once it is durable on a majority and applied here; `barrier` makes the reads behind it linearizable.
 * `replica.etcdSpace` is the second key space of the same log, for the etcd service; the two see nothing of each other.
 * A write that is retried keeps its id and is applied once. What cannot be kept is not promised: a
 * failed sync, a damaged log or a failed invariant stops the replica (`onFatal`) instead of letting it
 * answer wrongly.
 *
 *   const storage = await openReplica({
 *     name: 'm1', memberId: 1, clusterId: 'c1',
 *     members: [{ id: 1, name: 'm1', host: '127.0.0.1', port: 7001 }, …],
 *     dataDir: '/var/lib/trireme/m1', listen: { host: '127.0.0.1', port: 7001 },
 *     tls: { ca, certificate, privateKey },
 *     onFatal: (error) => { log.fatal(error); process.exit(1); },
 *   });
 *   await storage.txn({
 *     compare: [{ key: '/a', target: 'modRevision', operator: '=', operand: 0 }],
 *     success: [{ type: 'put', key: '/a', value }],
 *   });
 *   await storage.barrier();
 *   storage.get('/a');
 *
 * Loop: callers' writes of one turn of the event loop cross to the consensus thread as one batch; the thread
 * appends, sends and syncs in parallel; committed entries come back in batches, are applied in order, go
 * to watchers, and answer the callers. The thread (replica/, thread/) never shares memory with the store.
 */
export * from './storage.js';
export * from './etcd-space.js';
export { etcdPackageDefinition } from './etcd-wire/package-definition.js';
export type { EtcdWireOptions } from './etcd-wire/package-definition.js';
export { BackupError, verifyBackup } from './backup/backup-file.js';
export type { BackupInfo, VerifiedBackup } from './backup/backup-file.js';
export { restoreBackup } from './backup/restore.js';
export type { RestoreOptions } from './backup/restore.js';
export type { WriteTimes, WriteTrace } from './trace.js';
export { DataDirectoryError, MemberRemovedError } from './errors.js';
export type { InitialMember, MemberAddress } from './membership/member-directory.js';
export type { ConsensusMetrics, FollowerMetrics, HistogramSnapshot, PeerMetrics } from './metrics.js';
export type { CancelTimer, Clock } from './environment/clock.js';
export type { Disk, DiskFile } from './environment/disk.js';
export type { DiskFault } from './environment/faulty-disk.js';
export type { Environment, Random } from './environment/environment.js';
export type { Member } from './membership/member-directory.js';
export type { Members, NewMember, PromotionCounts } from './replica/members.js';
export { openReplica } from './replica/open-replica.js';
export type { ReplicaHost } from './replica/open-replica.js';
export { SnapshotReceiver } from './snapshot/snapshot-receiver.js';
export { loadConsensusThread } from './thread/launch.js';
export type { ThreadParts } from './thread/parts.js';
export type { FromThread, Port, ThreadOptions, ToThread } from './thread/protocol.js';
export type { ForwardedProposal } from './transport/forward-codec.js';
export type { CreatePeerTransport, PeerTransport } from './transport/peer-transport.js';
export type { ReplicaOptions } from './replica/options.js';
export type { Replica } from './replica/port.js';
export { ClientSession } from './transport/client-session.js';
export { openStorageClient } from './transport/open-storage-client.js';
export type { StorageClient, StorageClientOptions } from './transport/storage-client.js';
export { cutUntrusted } from './transport/trust.js';
export type { PeerTls } from './transport/handshake.js';
export { openExternal } from './external/open-external.js';
export type { ExternalOptions } from './external/options.js';
export type { ExternalMetrics, ExternalReplica } from './external/external-replica.js';
export { parseEtcdUrl } from './external/etcd-url.js';
/** For engines of the port that stand outside this room. */
export { WatchHub } from './watch-hub.js';
export type { WatchHubOptions } from './watch-hub.js';
export { Retention } from './replica/retention.js';
export { RevisionWaiters } from './external/revision-waiters.js';
export type { RevisionWaitersOptions } from './external/revision-waiters.js';
export { decodeValue, encodeValue } from './external/stored-value.js';
export { createMemoryStorage } from './memory-storage.js';
export type { MemoryStorage, MemoryStorageClock, MemoryStorageOptions } from './memory-storage.js';
