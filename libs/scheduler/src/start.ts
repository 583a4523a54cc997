import { bindSignal, createClient, createInformerFactory, resources } from '#libs/client';
import type { SchedulerHandle, SchedulerOptions } from './options.js';

/** Starts scheduling over caches of its own. Returns at once; `synced` tells when it works. */
export function startScheduler(options: SchedulerOptions): SchedulerHandle {
  const stopper = new AbortController();
  const signal = AbortSignal.any([options.signal, stopper.signal]);
  const client = createClient(bindSignal(options.transport, signal));
  const informers = createInformerFactory({
    client,
    onError: (error, ref) => options.onError?.(error, `informer of ${ref.resource}`),
  });
  informers.informer(resources.pods);
  informers.informer(resources.nodes);
  informers.start(signal);
  return {
    synced: () => informers.synced(signal),
    async stop() {
      stopper.abort();
    },
  };
}
