/**
 * controllers: what turns the objects that people write into the objects that run. One file (or folder) a
 * controller; each is a queue of keys and one level-based `reconcile(key)` over shared, indexed caches.
 *
 * Contract: a controller reads its caches, writes through the client, and never assumes that its last write is in
 * the cache yet. All writes go through the transport given, which the leader fences with its term; aborting the
 * signal ends everything promptly.
 *
 *     const controllers = startControllers({ transport, signal, rootCa });
 *     await controllers.synced();
 *     …
 *     await controllers.stop();
 */
export type { Controller, ControllerContext } from './context.js';
export { startControllers, type ControllersHandle, type ControllersOptions } from './start.js';
