/**
 * Events in Redis instead of the replicated log: the noisiest and least precious writes of a cluster, as large clusters give
 * them an etcd of their own.
 *
 * Contract: `openRedisEventStore` is the keys' part of the Storage port (`KeyStorage`) with a sequence of revisions of its own,
 * shared by all masters of a cluster: what one of them wrote, all see, in one order. A change is one script in Redis: it
 * takes the next revision, writes the object, and appends to a stream what has changed. Every master mirrors the objects in
 * memory and follows the stream; reads and watches are answered from there, behind a question for the newest revision where
 * they must be fresh. Objects expire; whoever looks first deletes them, with a change as any other.
 *
 * Redis away: everything throws StorageError Unavailable, watches end after a while, and the store tries again by itself.
 * Redis started anew may have forgotten what somebody has seen: then revisions go on far beyond, history is gone, and
 * watchers are told to read anew.
 *
 *   const events = openRedisEventStore({
 *     url: 'redis://10.0.0.1:6379', clusterId: 'c1', leadership: () => storage.leadership,
 *     onChange: (up, detail) => log[up ? 'info' : 'warn'](detail),
 *   });
 *   createApiServer({ storage, eventStore: events, … });
 *
 * Loop: open a session (two connections) → load, unless the mirror is of this epoch → follow the stream and keep house until
 * a connection fails → pause → again.
 */
export { openRedisEventStore } from './redis-event-store.js';
export type { EventStoreMetrics, RedisEventStore } from './redis-event-store.js';
export type { RedisEventStoreOptions } from './options.js';
export type { RedisTls } from './connection.js';
export { parseRedisUrl } from './redis-url.js';
export type { RedisLocation } from './redis-url.js';
