import type { SchedulerCache } from '../cache/cache.js';
import type { NodeInfo } from '../cache/node-info.js';
import type { PodInfo } from '../cache/pod-info.js';
import type { Status } from '../framework/status.js';
import type { BudgetCheck } from './disruption-budgets.js';

/** A node where the pod would fit if these pods went. */
export interface Candidate {
  readonly node: NodeInfo;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
  /** How many of them a disruption budget protects. */
  readonly violations: number;
}

/** Higher priority first, then who runs longer (util.MoreImportantPod). */
export function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startMs(a) - startMs(b);
}

function startMs({ pod }: PodInfo): number {
  const started = Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '');
  return Number.isNaN(started) ? Number.MAX_SAFE_INTEGER : started;
}

/**
 * Who must go from a node for the pod to fit: all of lower priority at first, then as many are spared as can be, those
 * that a disruption budget protects before others, the important before the less. A status where it does not help.
 * Works on the live cache and leaves it as it was.
 */
export function selectVictims(
  cache: SchedulerCache,
  node: NodeInfo,
  pod: PodInfo,
  budgets: BudgetCheck,
  fits: () => Status | undefined,
): Candidate | Status | undefined {
  const potential = [...node.pods.values()]
    .filter((other) => other.priority < pod.priority)
    .sort(byImportance);
  if (potential.length === 0) return undefined;
  const away = new Set<PodInfo>();
  const leave = (other: PodInfo): void => {
    cache.withdraw(other);
    away.add(other);
  };
  const comeBack = (other: PodInfo): void => {
    cache.restore(other, node);
    away.delete(other);
  };
  try {
    for (const other of potential) leave(other);
    const status = fits();
    if (status !== undefined) return status;
    const protectedPods = budgets(potential);
    const order = [
      ...potential.filter((other) => protectedPods.has(other)),
      ...potential.filter((other) => !protectedPods.has(other)),
    ];
    let violations = 0;
    for (const other of order) {
      comeBack(other);
      if (fits() === undefined) continue;
      leave(other);
      if (protectedPods.has(other)) violations++;
    }
    return { node, victims: [...away].sort(byImportance), violations };
  } finally {
    for (const other of away) cache.restore(other, node);
  }
}

/**
 * The candidate that does least harm: fewest broken budgets, then the lowest highest priority, the lowest sum of
 * priorities, the fewest victims, and the one whose most important victim started last.
 */
export function leastHarm(candidates: readonly Candidate[]): Candidate | undefined {
  const criteria: readonly ((candidate: Candidate) => number)[] = [
    ({ violations }) => violations,
    ({ victims }) => victims[0]?.priority ?? 0,
    // Priorities may be negative: shifted, so that more victims never look like less.
    ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
    ({ victims }) => victims.length,
    ({ victims }) => -(victims[0] === undefined ? 0 : earliestStart(victims)),
  ];
  let left = candidates;
  for (const criterion of criteria) {
    if (left.length <= 1) break;
    const costs = left.map(criterion);
    const least = Math.min(...costs);
    left = left.filter((_, at) => costs[at] === least);
  }
  return left[0];
}

/** Of the victims of the highest priority, the start of the one that runs longest. */
function earliestStart(victims: readonly PodInfo[]): number {
  const highest = victims[0]!.priority;
  return Math.min(...victims.filter(({ priority }) => priority === highest).map(startMs));
}
