import {
  isNotFound,
  keyOf,
  parseTime,
  resources,
  type Node,
  type Pod,
  type Taint,
  type Toleration,
} from '#libs/client';
import { semanticEqual } from '#libs/apimachinery';
import { makeController, queueFor, type Controller, type ControllerContext } from './context.js';
import { withCondition } from './core/conditions.js';
import { byNode, indexByNode } from './core/indexes.js';
import { isTerminating } from './core/pod-state.js';
import { tolerates } from './core/tolerations.js';

/**
 * Deletes pods from nodes with NoExecute taints: at once where a pod does not tolerate one, after the shortest
 * tolerationSeconds otherwise. The time counts from when the taint was put on, so a new leader does not start it over.
 */
export function createTaintEvictionController(context: ControllerContext): Controller {
  const queue = queueFor(context, 'taint-eviction-controller');
  const pods = context.informers.informer(resources.pods);
  const nodes = context.informers.informer(resources.nodes);
  const client = context.client.resource(resources.pods);
  const recorder = context.recorderFor('taint-eviction-controller');
  indexByNode(pods);
  const enqueuePods = (node: Node): void => {
    for (const pod of pods.lister.byIndex(byNode, node.metadata.name ?? '')) queue.add(keyOf(pod));
  };
  nodes.addHandler({
    add: (node) => noExecute(node).length > 0 && enqueuePods(node),
    update: (node, previous) => {
      if (!semanticEqual(noExecute(node), noExecute(previous))) enqueuePods(node);
    },
  });
  const enqueueTainted = (pod: Pod): void => {
    const node = nodes.lister.get(undefined, pod.spec.nodeName ?? '');
    if (node !== undefined && noExecute(node).length > 0) queue.add(keyOf(pod));
  };
  pods.addHandler({
    add: enqueueTainted,
    update: (pod, previous) => {
      const isMoved = pod.spec.nodeName !== previous.spec.nodeName;
      if (isMoved || !semanticEqual(pod.spec.tolerations, previous.spec.tolerations)) enqueueTainted(pod);
    },
  });

  async function evict(pod: Pod): Promise<void> {
    const { name = '', namespace = '', uid } = pod.metadata;
    recorder.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`);
    const condition = {
      type: 'DisruptionTarget',
      status: 'True' as const,
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    };
    const conditions = withCondition(pod.status?.conditions, condition, context.clock.now());
    try {
      await client.patch(
        name,
        { metadata: { uid }, status: { conditions } },
        { namespace, subresource: 'status' },
      );
      await client.delete(name, { namespace, ...(uid === undefined ? {} : { preconditions: { uid } }) });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return makeController(context, {
    name: 'taint-eviction-controller',
    workers: 16,
    queue,
    needs: [pods, nodes],
    async reconcile(key) {
      const pod = pods.lister.getByKey(key);
      if (pod === undefined || isTerminating(pod)) return undefined;
      const node = nodes.lister.get(undefined, pod.spec.nodeName ?? '');
      const taints = node === undefined ? [] : noExecute(node);
      const dueMs = evictionDueMs(taints, pod.spec.tolerations ?? [], context.clock.now());
      if (dueMs === undefined) return undefined;
      const leftMs = dueMs - context.clock.now();
      if (leftMs > 0) return { requeueAfterMs: leftMs };
      await evict(pod);
      return undefined;
    },
  });
}

function noExecute(node: Node): Taint[] {
  return (node.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');
}

/** When the pod must go, undefined while it may stay. */
function evictionDueMs(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  nowMs: number,
): number | undefined {
  let due: number | undefined;
  for (const taint of taints) {
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return nowMs;
    const limits = matching.map((each) => each.tolerationSeconds).filter((each) => each !== undefined);
    if (limits.length === 0) continue;
    const sinceMs = parseTime(taint.timeAdded) || nowMs;
    const untilMs = sinceMs + Math.max(0, Math.min(...limits)) * 1_000;
    due = due === undefined ? untilMs : Math.min(due, untilMs);
  }
  return due;
}
