/**
 * The etcd v3 gRPC service over a replica's second key space: etcd's own clients use a Trireme master as they would a
 * member of etcd.
 *
 * Contract: KV, Watch, Lease, Cluster and Maintenance as etcd v3.6 speaks them, with its error codes and texts. Reads
 * are linearizable on every member unless a request says `serializable`; followers serve everything. Keys and values are
 * bytes from end to end. Only certificates of the given authority are let in, and no object of the API server can be
 * reached. Lease ids are below 2^53. Hashes and snapshots are this product's own, and no file of etcd's.
 *
 *   const api = await startEtcdApi({
 *     backend: replica,
 *     listen: { host: '127.0.0.1', port: 2379 },
 *     tls: { ca, certificate, privateKey },
 *     clientUrls: { 'master-1': 'https://127.0.0.1:2379' },
 *   });
 *
 * Loop: a call is checked and translated (kv/requests.ts), goes through the replica's EtcdSpace, and is translated back
 * (kv/responses.ts). Nest wires (controllers.ts, server.ts); the services beside know nothing of it.
 */
export { startEtcdApi } from './server.js';
export type { EtcdApi, EtcdApiOptions } from './server.js';
