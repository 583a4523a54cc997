import { formatTime, keyOf, parseTime, resources, type Pod, type PodDisruptionBudget } from '#libs/client';
import type { KubernetesObject } from '#libs/apimachinery';
import { makeController, queueFor, type Controller, type ControllerContext } from './context.js';
import { withCondition } from './core/conditions.js';
import { scaledValue } from './core/int-or-percent.js';
import { controllerOf } from './core/owner.js';
import { isPodFinished, isPodReady, isTerminating } from './core/pod-state.js';
import { selectorOf } from './core/selectors.js';
import { writeStatus } from './core/status.js';

/** How long an eviction that was allowed may take before the pod counts as healthy again. */
const disruptionTimeoutMs = 120_000;
const batchMs = 25;

type Scaled = KubernetesObject & { spec: { replicas?: number } };

/**
 * Keeps the status of PodDisruptionBudgets right: how many of the selected pods may be disrupted now. The eviction
 * subresource decides by it, so `observedGeneration` must be the budget's before it allows anything.
 */
export function createDisruptionController(context: ControllerContext): Controller {
  const queue = queueFor(context, 'disruption');
  const budgets = context.informers.informer(resources.podDisruptionBudgets);
  const pods = context.informers.informer(resources.pods);
  const sets = context.informers.informer(resources.replicaSets);
  const deployments = context.informers.informer(resources.deployments);
  const statefulSets = context.informers.informer(resources.statefulSets);
  const controllers = context.informers.informer(resources.replicationControllers);
  const client = context.client.resource(resources.podDisruptionBudgets);
  const recorder = context.recorderFor('controllermanager');
  const enqueue = (budget: PodDisruptionBudget): void => queue.add(keyOf(budget));
  budgets.addHandler({ add: enqueue, update: enqueue });
  const enqueueOf = (pod: Pod): void => {
    for (const budget of budgets.lister.inNamespace(pod.metadata.namespace ?? '')) {
      if (selectorOf(budget.spec.selector).matches(pod.metadata.labels))
        queue.addAfter(keyOf(budget), batchMs);
    }
  };
  pods.addHandler({
    add: enqueueOf,
    update: (pod, previous) => {
      enqueueOf(pod);
      if (pod.metadata.labels !== previous.metadata.labels) enqueueOf(previous);
    },
    delete: enqueueOf,
  });

  /** The scale that the pod's controller, or that one's, wants; undefined where none of the known kinds owns it. */
  function scaleOf(pod: Pod): { uid: string; replicas: number } | undefined {
    const owner = controllerOf(pod);
    if (owner === undefined) return undefined;
    const { namespace } = pod.metadata;
    const lister = { ReplicaSet: sets, StatefulSet: statefulSets, ReplicationController: controllers }[
      owner.kind
    ]?.lister;
    const found = lister?.get(namespace, owner.name) as Scaled | undefined;
    if (found === undefined || found.metadata.uid !== owner.uid) return undefined;
    const parent = controllerOf(found);
    const deployment =
      parent?.kind === 'Deployment' ? deployments.lister.get(namespace, parent.name) : undefined;
    const scaled = deployment ?? found;
    return { uid: scaled.metadata.uid ?? '', replicas: scaled.spec.replicas ?? 1 };
  }

  function expectedOf(members: readonly Pod[]): number {
    const scales = new Map<string, number>();
    for (const pod of members) {
      const scale = scaleOf(pod);
      if (scale === undefined) throw new Error(`found no controller ref for pod "${pod.metadata.name}"`);
      scales.set(scale.uid, scale.replicas);
    }
    return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  function countsOf(
    budget: PodDisruptionBudget,
    members: readonly Pod[],
  ): { expected: number; desired: number } {
    const { maxUnavailable, minAvailable } = budget.spec;
    if (maxUnavailable !== undefined) {
      const expected = expectedOf(members);
      return { expected, desired: Math.max(0, expected - scaledValue(maxUnavailable, expected, true)) };
    }
    if (typeof minAvailable === 'number') return { expected: members.length, desired: minAvailable };
    if (minAvailable === undefined) return { expected: members.length, desired: 0 };
    const expected = expectedOf(members);
    return { expected, desired: scaledValue(minAvailable, expected, true) };
  }

  async function fail(budget: PodDisruptionBudget, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    recorder.event(
      budget,
      'Warning',
      'CalculateExpectedPodCountFailed',
      `Failed to calculate the number of expected pods: ${message}`,
    );
    await write(budget, { ...budget.status, disruptionsAllowed: 0 }, 'SyncFailed', message);
  }

  async function write(
    budget: PodDisruptionBudget,
    status: NonNullable<PodDisruptionBudget['status']>,
    reason: string,
    message: string,
  ): Promise<void> {
    const allowed = (status.disruptionsAllowed ?? 0) > 0;
    const conditions = withCondition(
      budget.status?.conditions,
      {
        type: 'DisruptionAllowed',
        status: allowed ? 'True' : 'False',
        reason,
        message,
        observedGeneration: budget.metadata.generation ?? 0,
      },
      context.clock.now(),
    );
    await writeStatus(client, budget, {
      ...status,
      observedGeneration: budget.metadata.generation ?? 0,
      conditions,
    });
  }

  return makeController(context, {
    name: 'disruption',
    workers: 2,
    queue,
    needs: [budgets, pods, sets, deployments, statefulSets, controllers],
    async reconcile(key) {
      const budget = budgets.lister.getByKey(key);
      if (budget === undefined || isTerminating(budget)) return undefined;
      const selector = selectorOf(budget.spec.selector);
      const all = pods.lister
        .inNamespace(budget.metadata.namespace ?? '')
        .filter((pod) => selector.matches(pod.metadata.labels));
      const members = all.filter((pod) => !isPodFinished(pod));
      let counts: { expected: number; desired: number };
      try {
        counts = countsOf(budget, members);
      } catch (error) {
        await fail(budget, error);
        return undefined;
      }
      const nowMs = context.clock.now();
      const { disrupted, nextMs } = stillDisrupted(budget, members, nowMs);
      const healthy = members.filter(
        (pod) => isPodReady(pod) && !isTerminating(pod) && disrupted[pod.metadata.name ?? ''] === undefined,
      ).length;
      const allowed = counts.expected <= 0 ? 0 : Math.max(0, healthy - counts.desired);
      const status = {
        disruptionsAllowed: allowed,
        currentHealthy: healthy,
        desiredHealthy: counts.desired,
        expectedPods: counts.expected,
        ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
      };
      await write(budget, status, allowed > 0 ? 'SufficientPods' : 'InsufficientPods', '');
      return nextMs === undefined ? undefined : { requeueAfterMs: nextMs };
    },
  });
}

/** Pods whose eviction was granted and that are still here, but for those that took too long. */
function stillDisrupted(
  budget: PodDisruptionBudget,
  members: readonly Pod[],
  nowMs: number,
): { disrupted: Record<string, string>; nextMs: number | undefined } {
  const disrupted: Record<string, string> = {};
  let nextMs: number | undefined;
  const byName = new Map(members.map((pod) => [pod.metadata.name ?? '', pod]));
  for (const [name, since] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = byName.get(name);
    if (pod === undefined || isTerminating(pod)) continue;
    const leftMs = (parseTime(since) || nowMs) + disruptionTimeoutMs - nowMs;
    if (leftMs <= 0) continue;
    disrupted[name] = since === '' ? formatTime(nowMs) : since;
    nextMs = nextMs === undefined ? leftMs : Math.min(nextMs, leftMs);
  }
  return { disrupted, nextMs };
}
