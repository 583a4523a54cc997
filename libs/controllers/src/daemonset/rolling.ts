import type { DaemonSet, Pod } from '#libs/client';
import { revisionHashLabel } from '../core/controller-revisions.js';
import { scaledValue } from '../core/int-or-percent.js';
import { isPodAvailable, isTerminating } from '../core/pod-state.js';
import type { Plan } from './daemonset.js';

/** Pods to replace now, so that no more than the limits allow are out at a time. */
export function chooseForUpdate(
  set: DaemonSet,
  plan: Pick<Plan, 'placements' | 'byNode'>,
  hash: string,
  nowMs: number,
): { create: string[]; remove: Pod[] } {
  const desired = [...plan.placements.values()].filter((each) => each.shouldRun).length;
  const { maxUnavailable = 1, maxSurge = 0 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, desired, true);
  const unavailable = scaledValue(maxUnavailable, desired, true);
  const limits = { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
  const nodes = nodesOf(set, plan, hash, nowMs);
  return limits.surge > 0 ? withSurge(nodes, limits.surge) : inPlace(nodes, limits.unavailable);
}

interface NodeState {
  readonly name: string;
  readonly old: Pod | undefined;
  readonly oldAvailable: boolean;
  readonly fresh: Pod | undefined;
  readonly freshAvailable: boolean;
  readonly leaving: boolean;
}

function nodesOf(
  set: DaemonSet,
  plan: Pick<Plan, 'placements' | 'byNode'>,
  hash: string,
  nowMs: number,
): NodeState[] {
  const isAvailable = (pod: Pod | undefined): boolean =>
    pod !== undefined && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
  const states: NodeState[] = [];
  for (const [name, { shouldRun }] of plan.placements) {
    if (!shouldRun) continue;
    const pods = plan.byNode.get(name) ?? [];
    const staying = pods.filter((pod) => !isTerminating(pod));
    const isNew = (pod: Pod): boolean => pod.metadata.labels?.[revisionHashLabel] === hash;
    const old = staying.find((pod) => !isNew(pod));
    const fresh = staying.find(isNew);
    states.push({
      name,
      old,
      oldAvailable: isAvailable(old),
      fresh,
      freshAvailable: isAvailable(fresh),
      leaving: pods.length > staying.length,
    });
  }
  return states;
}

/** Old pods that serve nobody go at once; of the others as many as may be out. */
function inPlace(nodes: readonly NodeState[], maxUnavailable: number): { create: string[]; remove: Pod[] } {
  const remove: Pod[] = [];
  let out = 0;
  const candidates: Pod[] = [];
  for (const { old, oldAvailable, fresh, freshAvailable } of nodes) {
    if (fresh !== undefined || old === undefined) {
      if (!freshAvailable) out++;
      continue;
    }
    if (oldAvailable) candidates.push(old);
    else {
      out++;
      remove.push(old);
    }
  }
  remove.push(...candidates.slice(0, Math.max(0, maxUnavailable - out)));
  return { create: [], remove };
}

/** A new pod starts beside the old one, which goes when the new one is available. */
function withSurge(nodes: readonly NodeState[], maxSurge: number): { create: string[]; remove: Pod[] } {
  const remove: Pod[] = [];
  const create: string[] = [];
  let surging = 0;
  const candidates: string[] = [];
  for (const { name, old, oldAvailable, fresh, freshAvailable, leaving } of nodes) {
    if (old === undefined) continue;
    if (fresh !== undefined) {
      surging++; // until the old one is gone, the node has two
      if (freshAvailable) remove.push(old);
    } else if (!oldAvailable) create.push(name);
    else if (!leaving) candidates.push(name);
  }
  create.push(...candidates.slice(0, Math.max(0, maxSurge - surging)));
  return { create, remove };
}
