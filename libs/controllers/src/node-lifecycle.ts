import { semanticEqual } from '#libs/apimachinery';
import {
  deepCopy,
  formatTime,
  isConflict,
  isNotFound,
  resources,
  type Condition,
  type Node,
  type Pod,
  type Taint,
} from '#libs/client';
import { makePeriodicController, type Controller, type ControllerContext } from './context.js';
import { findCondition, withCondition } from './core/conditions.js';
import { byNode, indexByNode } from './core/indexes.js';
import { isPodReady } from './core/pod-state.js';
import { parallelWrites } from './core/pods.js';
import { inParallel } from './core/slow-start.js';

export interface NodeLifecycleOptions {
  /** Silence after which a node counts as lost; default 40 000 ms. */
  readonly graceMs?: number;
  /** Between looks at all nodes; default 5 000 ms. */
  readonly periodMs?: number;
}

const notReadyTaint = 'node.kubernetes.io/not-ready';
const unreachableTaint = 'node.kubernetes.io/unreachable';
const unschedulableTaint = 'node.kubernetes.io/unschedulable';
const leaseNamespace = 'kube-node-lease';

/** Conditions of a node besides Ready, and the taint that each means when true. */
const pressureTaints: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
};

/**
 * Watches over nodes: one whose Lease and status have been silent for the grace period gets conditions Unknown; nodes
 * that are not ready or not reachable are tainted NoSchedule and NoExecute, and their pods are marked not ready.
 * Silence is measured by this process' own clock from when it saw a change, never by the node's.
 */
export function createNodeLifecycleController(
  context: ControllerContext,
  options: NodeLifecycleOptions = {},
): Controller {
  const { graceMs = 40_000, periodMs = 5_000 } = options;
  const nodes = context.informers.informer(resources.nodes);
  const pods = context.informers.informer(resources.pods);
  const leases = context.informers.informer(resources.leases);
  const client = context.client.resource(resources.nodes);
  const recorder = context.recorderFor('node-controller');
  indexByNode(pods);
  const seenMs = new Map<string, number>();
  const touch = (name: string): void => void seenMs.set(name, context.clock.now());
  const wasReady = new Map<string, boolean>();
  const isNodeLease = (namespace: string | undefined): boolean => namespace === leaseNamespace;
  leases.addHandler({
    add: (lease) => isNodeLease(lease.metadata.namespace) && touch(lease.metadata.name ?? ''),
    update: (lease, previous) => {
      if (!isNodeLease(lease.metadata.namespace)) return;
      if (lease.spec?.renewTime !== previous.spec?.renewTime) touch(lease.metadata.name ?? '');
    },
  });
  nodes.addHandler({
    add: (node) => touch(node.metadata.name ?? ''),
    update: (node, previous) => {
      const ready = findCondition(node.status?.conditions, 'Ready');
      const before = findCondition(previous.status?.conditions, 'Ready');
      // The controller's own Unknown is no sign of life.
      if (ready?.lastHeartbeatTime !== before?.lastHeartbeatTime) touch(node.metadata.name ?? '');
    },
    delete: (node) => {
      seenMs.delete(node.metadata.name ?? '');
      wasReady.delete(node.metadata.name ?? '');
    },
  });

  async function watchOver(node: Node): Promise<void> {
    const name = node.metadata.name ?? '';
    const nowMs = context.clock.now();
    const isSilent = nowMs - (seenMs.get(name) ?? nowMs) > graceMs;
    let current = node;
    try {
      if (isSilent && conditionsUnknown(node) !== undefined) current = await markUnknown(node, nowMs);
      current = await taint(current, nowMs);
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return; // changed meanwhile: the next look sees it
      throw error;
    }
    const isReady = findCondition(current.status?.conditions, 'Ready')?.status === 'True';
    if (!isReady) await markPodsNotReady(current);
    if (wasReady.get(name) === true && !isReady) {
      recorder.event(
        { kind: 'Node', name, uid: name },
        'Normal',
        'NodeNotReady',
        `Node ${name} status is now: NodeNotReady`,
      );
    }
    wasReady.set(name, isReady);
  }

  async function markUnknown(node: Node, nowMs: number): Promise<Node> {
    const next = deepCopy(node);
    let conditions = next.status?.conditions;
    for (const condition of conditionsUnknown(node) ?? []) {
      conditions = withCondition(conditions, condition, nowMs);
    }
    next.status = { ...next.status, ...(conditions === undefined ? {} : { conditions }) };
    return client.updateStatus(next);
  }

  async function taint(node: Node, nowMs: number): Promise<Node> {
    const present = node.spec?.taints ?? [];
    const wanted = desiredTaints(node, nowMs);
    if (semanticEqual(present, wanted)) return node;
    const patch = {
      metadata: { resourceVersion: node.metadata.resourceVersion },
      spec: { taints: wanted.length === 0 ? null : deepCopy(wanted) },
    };
    return client.patch(node.metadata.name ?? '', patch);
  }

  /** Endpoints must stop to name pods that nobody can reach. */
  async function markPodsNotReady(node: Node): Promise<void> {
    const affected = pods.lister.byIndex(byNode, node.metadata.name ?? '').filter(isPodReady);
    await inParallel(affected, parallelWrites, async (pod) => {
      try {
        await setNotReady(pod);
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    });
  }

  async function setNotReady(pod: Pod): Promise<void> {
    const { name = '', namespace = '', uid, resourceVersion } = pod.metadata;
    const now = formatTime(context.clock.now());
    const conditions = deepCopy(pod.status?.conditions ?? []).map((each) =>
      each.type === 'Ready' ? { ...each, status: 'False' as const, lastTransitionTime: now } : each,
    );
    const patch = { metadata: { uid, resourceVersion }, status: { conditions } };
    await context.client.resource(resources.pods).patch(name, patch, { namespace, subresource: 'status' });
    recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
  }

  return makePeriodicController(context, {
    name: 'node-lifecycle',
    periodMs,
    needs: [nodes, pods, leases],
    run: () => inParallel([...nodes.lister.values()], 16, watchOver),
  });
}

/** What the node's conditions become once it is silent; undefined where they are that already. */
function conditionsUnknown(node: Node): Omit<Condition, 'lastTransitionTime'>[] | undefined {
  const changed: Omit<Condition, 'lastTransitionTime'>[] = [];
  for (const type of ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']) {
    const current = findCondition(node.status?.conditions, type);
    if (current?.status === 'Unknown') continue;
    const { lastTransitionTime: _transition, ...kept } = current ?? {};
    changed.push({
      ...kept,
      type,
      status: 'Unknown',
      reason: current === undefined ? 'NodeStatusNeverUpdated' : 'NodeStatusUnknown',
      message:
        current === undefined ? 'Kubelet never posted node status.' : 'Kubelet stopped posting node status.',
    });
  }
  return changed.length === 0 ? undefined : changed;
}

/** The node's taints with those that its conditions mean put right; others, and the times of those that stay, are kept. */
function desiredTaints(node: Node, nowMs: number): Taint[] {
  const present = node.spec?.taints ?? [];
  const wanted = new Map<string, Taint>();
  const want = (key: string, effect: Taint['effect'], timed: boolean): void => {
    const known = present.find((taint) => taint.key === key && taint.effect === effect);
    wanted.set(
      `${key}:${effect}`,
      known ?? { key, effect, ...(timed ? { timeAdded: formatTime(nowMs) } : {}) },
    );
  };
  const ready = findCondition(node.status?.conditions, 'Ready')?.status;
  if (ready !== 'True') {
    const key = ready === 'Unknown' ? unreachableTaint : notReadyTaint;
    want(key, 'NoSchedule', true);
    want(key, 'NoExecute', true);
  }
  for (const [type, key] of Object.entries(pressureTaints)) {
    if (findCondition(node.status?.conditions, type)?.status === 'True') want(key, 'NoSchedule', true);
  }
  if (node.spec?.unschedulable === true) want(unschedulableTaint, 'NoSchedule', true);
  const managed = new Set([
    notReadyTaint,
    unreachableTaint,
    unschedulableTaint,
    ...Object.values(pressureTaints),
  ]);
  const isManaged = (taint: Taint): boolean => managed.has(taint.key) && taint.effect !== 'PreferNoSchedule';
  const kept = present.filter((taint) => !isManaged(taint) || wanted.delete(`${taint.key}:${taint.effect}`));
  return [...kept, ...wanted.values()];
}
