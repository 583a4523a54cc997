/**
 * client: how every other part of the control plane talks to the API. A Transport carries requests (HTTP, or
 * in-process on the same replica); a Client gives the verbs of a resource; an Informer keeps a cache of one that
 * follows the server; a work queue and `runController` turn changes into level-based reconciling.
 *
 * Contract: what comes out of a client or a cache is shared and read only; what is handed to `create`, `update` or
 * `patch` belongs to the server afterwards (`deepCopy` what both sides keep). Refusals are ApiError, an unreachable
 * server is ConnectionError.
 *
 *     const client = createClient(createHttpTransport({ server, ca, cert, key }));
 *     const informers = createInformerFactory({ client });
 *     const pods = informers.informer(resources.pods);
 *     const queue = createWorkQueue();
 *     pods.addHandler({ add: (pod) => queue.add(keyOf(pod)), update: (pod) => queue.add(keyOf(pod)) });
 *     informers.start(signal);
 *     await informers.synced(signal);
 *     await runController({ name: 'example', queue, workers: 4, signal, reconcile: async (key) => {
 *       const pod = pods.lister.getByKey(key);
 *       if (pod !== undefined) await client.resource(resources.pods).patch(…);
 *     } });
 */
export * from './transport.js';
export * from './clock.js';
export * from './copy.js';
export * from './backoff.js';
export * from './client.js';
export {
  createInProcessTransport,
  type InProcessFrame,
  type InProcessHandler,
  type InProcessOptions,
  type InProcessRequest,
  type InProcessResponse,
  type InProcessUser,
} from './in-process-transport.js';
export * from './http-transport.js';
export { countedTransport, type RequestOutcome } from './counted-transport.js';
export * from './store.js';
export * from './informer.js';
export * from './informer-factory.js';
export * from './rate-limiter.js';
export * from './work-queue.js';
export * from './controller.js';
export * from './dropped-events.js';
export * from './event-recorder.js';
export * from './kinds/meta.js';
export * from './kinds/core.js';
export * from './kinds/workloads.js';
export * from './kinds/resources.js';
