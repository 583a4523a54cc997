import type { SchedulerCache } from '../cache/cache.js';
import type { NodeInfo } from '../cache/node-info.js';
import type { PodInfo } from '../cache/pod-info.js';
import type { CycleState } from '../framework/cycle-state.js';
import { messageOf, type Diagnosis } from '../framework/diagnosis.js';
import type { PostFilterPlugin, PostFilterResult } from '../framework/plugin.js';
import { makeStatus, type Status } from '../framework/status.js';
import { leastHarm, selectVictims, type Candidate } from '../preemption/candidates.js';
import type { BudgetCheck } from '../preemption/disruption-budgets.js';
import type { Nominator } from '../preemption/nominator.js';

const name = 'DefaultPreemption';
const noVictims = makeStatus('unschedulable', name, 'No preemption victims found for incoming pod');
const notHelpful = makeStatus('unresolvable', name, 'Preemption is not helpful for scheduling');

/** Candidates that are enough to choose from: a tenth of the nodes, at least this many (DefaultPreemptionArgs). */
const candidates = { percentMin: 10, nodesMin: 100 } as const;

export interface PreemptionOptions {
  readonly cache: SchedulerCache;
  readonly nominator: Nominator;
  readonly budgets: BudgetCheck;
  readonly random: () => number;
  /** Would the pod fit on the node as it is now? Asked while victims are tried out. */
  readonly fitsOn: (pod: PodInfo) => (node: NodeInfo) => Status | undefined;
  /** Deletes the victims, in the background. */
  readonly evict: (preemptor: PodInfo, victims: readonly PodInfo[], nodeName: string) => void;
  /** Pods of lower priority that were to come to the node: they must look for another. */
  readonly onSupplanted: (pod: PodInfo) => void;
}

/** What fits nowhere may take the place of pods of lower priority (KEP-564). */
export function createDefaultPreemption(options: PreemptionOptions): PostFilterPlugin {
  return {
    name,
    events: [{ type: 'AssignedPodDelete', helps: (pod) => options.nominator.nodeOf(pod.uid) !== undefined }],
    postFilter(_state: CycleState, pod, diagnosis) {
      const ineligible = whyNot(options, pod, diagnosis);
      if (ineligible !== undefined) return { message: ineligible };
      const { found, statuses } = findCandidates(options, pod, diagnosis);
      const best = leastHarm(found);
      if (best === undefined) return refused(diagnosis, statuses);
      return preempt(options, pod, best);
    },
  };
}

function whyNot(
  { nominator, cache }: PreemptionOptions,
  pod: PodInfo,
  diagnosis: Diagnosis,
): string | undefined {
  if (!pod.shape.mayPreempt) return 'not eligible due to preemptionPolicy=Never.';
  const nominated = cache.nodeByName(nominator.nodeOf(pod.uid) ?? '');
  if (nominated === undefined) return undefined;
  // Preemption cannot help there any more: another node may be tried.
  const refusal = diagnosis.refusals.find(({ node }) => node === nominated);
  if (refusal?.status.code === 'unresolvable') return undefined;
  for (const other of nominated.pods.values())
    if (other.priority < pod.priority && other.terminating && wasPreempted(other))
      return 'not eligible due to a terminating pod on the nominated node.';
  return undefined;
}

function wasPreempted({ pod }: PodInfo): boolean {
  return (
    pod.status?.conditions?.some(
      ({ type, status, reason }) =>
        type === 'DisruptionTarget' && status === 'True' && reason === 'PreemptionByScheduler',
    ) === true
  );
}

function findCandidates(
  { cache, budgets, random, fitsOn }: PreemptionOptions,
  pod: PodInfo,
  { refusals, nodeCount }: Diagnosis,
): { found: Candidate[]; statuses: Map<NodeInfo, Status> } {
  const statuses = new Map<NodeInfo, Status>();
  const found: Candidate[] = [];
  const potential = refusals.filter(({ status }) => status.code !== 'unresolvable');
  if (!hasLower(cache, pod.priority)) {
    for (const { node } of potential) statuses.set(node, noVictims);
    return { found, statuses };
  }
  const fits = fitsOn(pod);
  const enough = Math.max(Math.floor((potential.length * candidates.percentMin) / 100), candidates.nodesMin);
  const offset = Math.floor(random() * potential.length);
  let harmless = false;
  for (let at = 0; at < potential.length && !(harmless && found.length >= enough); at++) {
    const { node } = potential[(offset + at) % potential.length]!;
    // Refusals may be remembered from an earlier pod of the same shape: the node may have gone since.
    if (node.node === undefined) continue;
    const outcome = selectVictims(cache, node, pod, budgets, () => fits(node));
    if (outcome === undefined) statuses.set(node, noVictims);
    else if ('code' in outcome) statuses.set(node, outcome);
    else if (outcome.victims.length > 0) {
      found.push(outcome);
      harmless ||= outcome.violations === 0;
    }
  }
  if (nodeCount > 0 && potential.length === 0) statuses.clear();
  return { found, statuses };
}

function hasLower(cache: SchedulerCache, priority: number): boolean {
  for (const placed of cache.placedByPriority.keys()) if (placed < priority) return true;
  return false;
}

function refused(diagnosis: Diagnosis, statuses: ReadonlyMap<NodeInfo, Status>): PostFilterResult {
  const refusals = diagnosis.refusals.map(({ node }) => ({ node, status: statuses.get(node) ?? notHelpful }));
  return { message: messageOf({ ...diagnosis, refusals, preFilter: undefined }), nominatedNodeName: '' };
}

function preempt(
  { nominator, evict, onSupplanted }: PreemptionOptions,
  pod: PodInfo,
  { node, victims }: Candidate,
): PostFilterResult {
  for (const other of nominator.on(node.name)) if (other.priority < pod.priority) onSupplanted(other);
  evict(pod, victims, node.name);
  return { nominatedNodeName: node.name, message: '' };
}
