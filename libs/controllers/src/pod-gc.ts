import { formatTime, isNotFound, resources, type Pod } from '#libs/client';
import { makePeriodicController, type Controller, type ControllerContext } from './context.js';
import { withCondition } from './core/conditions.js';
import { createdMs, isPodFinished, isTerminating } from './core/pod-state.js';
import { parallelWrites } from './core/pods.js';
import { inParallel } from './core/slow-start.js';

export interface PodGcOptions {
  /** Finished pods that may stay; default 12 500 as in Kubernetes. 0 keeps all. */
  readonly terminatedPodThreshold?: number;
  /** How long a node must be missing before its pods count as orphaned; default 40 000. */
  readonly quarantineMs?: number;
}

const periodMs = 20_000;

/**
 * Deletes, by force, pods that nobody else would: of nodes that are gone, terminating ones that were never bound or
 * whose node is out of service, and the oldest finished ones beyond the threshold.
 */
export function createPodGcController(context: ControllerContext, options: PodGcOptions = {}): Controller {
  const { terminatedPodThreshold = 12_500, quarantineMs = 40_000 } = options;
  const pods = context.informers.informer(resources.pods);
  const nodes = context.informers.informer(resources.nodes);
  const client = context.client.resource(resources.pods);
  const missingSinceMs = new Map<string, number>();

  function missingNodes(all: readonly Pod[], nowMs: number): Set<string> {
    const absent = new Set<string>();
    for (const pod of all) {
      const node = pod.spec.nodeName ?? '';
      if (node !== '' && nodes.lister.get(undefined, node) === undefined) absent.add(node);
    }
    for (const node of missingSinceMs.keys()) if (!absent.has(node)) missingSinceMs.delete(node);
    const confirmed = new Set<string>();
    for (const node of absent) {
      const sinceMs = missingSinceMs.get(node) ?? nowMs;
      missingSinceMs.set(node, sinceMs);
      if (nowMs - sinceMs >= quarantineMs) confirmed.add(node);
    }
    return confirmed;
  }

  /** The cache may be behind: a node is gone when the server says so. */
  async function isGone(node: string): Promise<boolean> {
    try {
      await context.client.resource(resources.nodes).get(node);
      return false;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  }

  async function collect(pod: Pod, reason: string, message: string): Promise<void> {
    const { name = '', namespace = '', uid } = pod.metadata;
    try {
      if (!isPodFinished(pod)) {
        const conditions = withCondition(
          pod.status?.conditions,
          { type: 'DisruptionTarget', status: 'True', reason, message },
          context.clock.now(),
        );
        await client.patch(
          name,
          { metadata: { uid }, status: { phase: 'Failed', conditions } },
          { namespace, subresource: 'status' },
        );
      }
      await client.delete(name, {
        namespace,
        gracePeriodSeconds: 0,
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function run(): Promise<void> {
    const all = [...pods.lister.values()];
    const confirmed = new Set<string>();
    for (const node of missingNodes(all, context.clock.now())) if (await isGone(node)) confirmed.add(node);
    const orphaned = all.filter((pod) => confirmed.has(pod.spec.nodeName ?? ''));
    await inParallel(orphaned, parallelWrites, (pod) =>
      collect(pod, 'DeletionByPodGC', 'PodGC: node no longer exists'),
    );
    const unbound = all.filter((pod) => isTerminating(pod) && (pod.spec.nodeName ?? '') === '');
    await inParallel(unbound, parallelWrites, (pod) =>
      collect(pod, 'DeletionByPodGC', 'PodGC: unscheduled and terminating'),
    );
    const outOfService = all.filter((pod) => isTerminating(pod) && isOutOfService(pod.spec.nodeName ?? ''));
    await inParallel(outOfService, parallelWrites, (pod) =>
      collect(pod, 'DeletionByPodGC', 'PodGC: node is out of service'),
    );
    if (terminatedPodThreshold <= 0) return;
    const finished = all.filter((pod) => isPodFinished(pod) && !isTerminating(pod));
    const surplus = finished.length - terminatedPodThreshold;
    if (surplus <= 0) return;
    const oldest = finished.toSorted((left, right) => createdMs(left) - createdMs(right)).slice(0, surplus);
    await inParallel(oldest, parallelWrites, (pod) =>
      collect(pod, 'DeletionByPodGC', `PodGC: finished before ${formatTime(context.clock.now())}`),
    );
  }

  function isOutOfService(node: string): boolean {
    const taints = nodes.lister.get(undefined, node)?.spec?.taints ?? [];
    return taints.some((taint) => taint.key === 'node.kubernetes.io/out-of-service');
  }

  return makePeriodicController(context, {
    name: 'pod-garbage-collector',
    periodMs,
    needs: [pods, nodes],
    run,
  });
}
