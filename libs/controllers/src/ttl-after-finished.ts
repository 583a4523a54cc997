import { isConflict, isNotFound, keyOf, parseTime, resources, type Job } from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from './context.js';
import { isTerminating } from './core/pod-state.js';

/** Deletes a Job `ttlSecondsAfterFinished` after it completed or failed, with its pods. */
export function createTtlAfterFinishedController(context: ControllerContext): Controller {
  const queue = queueFor(context, 'ttl-after-finished');
  const jobs = context.informers.informer(resources.jobs);
  const enqueue = (job: Job): void => {
    if (expiresAtMs(job) !== undefined) queue.add(keyOf(job));
  };
  jobs.addHandler({ add: enqueue, update: enqueue });
  return makeController(context, {
    name: 'ttl-after-finished',
    workers: 5,
    queue,
    needs: [jobs],
    async reconcile(key) {
      const job = jobs.lister.getByKey(key);
      const atMs = job === undefined ? undefined : expiresAtMs(job);
      if (job === undefined || atMs === undefined || isTerminating(job)) return undefined;
      const leftMs = atMs - context.clock.now();
      if (leftMs > 0) return { requeueAfterMs: leftMs };
      const { uid, resourceVersion, namespace = '', name = '' } = job.metadata;
      try {
        // The version too: a ttl that was lengthened a moment ago must hold.
        await context.client.resource(resources.jobs).delete(name, {
          namespace,
          propagationPolicy: 'Foreground',
          preconditions: {
            ...(uid === undefined ? {} : { uid }),
            ...(resourceVersion === undefined ? {} : { resourceVersion }),
          },
        });
      } catch (error) {
        if (isConflict(error)) return { requeueAfterMs: 1_000 };
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    },
  });
}

function expiresAtMs(job: Job): number | undefined {
  const ttlSeconds = job.spec.ttlSecondsAfterFinished;
  if (ttlSeconds === undefined) return undefined;
  const ended = job.status?.conditions?.find(
    (each) => (each.type === 'Complete' || each.type === 'Failed') && each.status === 'True',
  );
  const atMs = parseTime(ended?.lastTransitionTime);
  return Number.isNaN(atMs) ? undefined : atMs + ttlSeconds * 1_000;
}
