import type { SchedulerCache } from '../cache/cache.js';
import type { NodeInfo } from '../cache/node-info.js';
import type { PodInfo } from '../cache/pod-info.js';
import type { PodShape } from '../cache/pod-shape.js';
import type { TopologyTerm } from '../cache/topology-term.js';
import {
  maxNodeScore,
  type FilterPlugin,
  type PreFilterPlugin,
  type ScorePlugin,
} from '../framework/plugin.js';
import { makeStatus, type Status } from '../framework/status.js';

const name = 'InterPodAffinity';
const skip = makeStatus('skip', name);
const affinityUnmet = makeStatus('unresolvable', name, "node(s) didn't match pod affinity rules");
const antiAffinityBroken = makeStatus('unschedulable', name, "node(s) didn't match pod anti-affinity rules");
const refusedByOthers = makeStatus(
  'unschedulable',
  name,
  "node(s) didn't satisfy existing pods anti-affinity rules",
);

/** Terms of other pods that weigh on this one when nodes are scored. */
const likedKey = `${name}/liked`;

/**
 * Pods that want to be near others, or far from them; required terms filter, preferred ones score. All counts are kept
 * by the cache's index: a cycle costs a look-up a term and node, however many pods there are.
 */
export function createInterPodAffinity(cache: SchedulerCache): PreFilterPlugin & FilterPlugin & ScorePlugin {
  const matchedBy = (terms: readonly TopologyTerm[], uid: string | undefined): boolean => {
    const placed = cache.podByUid(uid ?? '');
    return placed === undefined || terms.some((term) => placed.shape.labelClass.terms.includes(term));
  };
  return {
    name,
    weight: 2,
    events: [
      {
        type: 'AssignedPodAdd',
        helps: ({ shape }, event) =>
          event.type === 'AssignedPodAdd' &&
          shape.wanting.length > 0 &&
          matchedBy(shape.wanting, event.pod.metadata.uid),
      },
      { type: 'AssignedPodUpdate' },
      {
        type: 'AssignedPodDelete',
        helps: ({ shape }, event) =>
          event.type === 'AssignedPodDelete' &&
          (shape.refusing.length > 0 || event.pod.spec.affinity?.podAntiAffinity !== undefined),
      },
      { type: 'NodeAdd' },
      {
        type: 'NodeUpdate',
        helps: (_pod, event) => event.type === 'NodeUpdate' && event.changes.has('labels'),
      },
      { type: 'NamespaceUpdate' },
    ],
    preFilter: (_state, { shape }) =>
      shape.wanting.length === 0 &&
      shape.refusing.length === 0 &&
      !shape.labelClass.terms.some(({ refusingShapes }) => refusingShapes > 0)
        ? skip
        : undefined,
    filter: (_state, { shape }, node) => filter(shape, node),
    preScore(state, { shape }) {
      const liked = shape.labelClass.terms.filter(({ likingTotal }) => likingTotal > 0);
      if (liked.length === 0 && shape.preferring.length === 0) return skip;
      state.write(likedKey, liked);
      return undefined;
    },
    score: (state, pod, node) => score(state.read<readonly TopologyTerm[]>(likedKey) ?? [], pod, node),
    normalize: (_state, _pod, _nodes, scores) => spreadOut(scores),
  };
}

function filter(shape: PodShape, node: NodeInfo): Status | undefined {
  if (shape.wanting.length > 0 && !isWantedHere(shape, node)) return affinityUnmet;
  for (const term of shape.refusing) if ((term.domainOf(node)?.pods ?? 0) > 0) return antiAffinityBroken;
  for (const term of shape.labelClass.terms)
    if (term.refusalTotal > 0 && (term.domainOf(node)?.refusals ?? 0) > 0) return refusedByOthers;
  return undefined;
}

function isWantedHere({ wanting, labelClass }: PodShape, node: NodeInfo): boolean {
  let present = true;
  for (const term of wanting) {
    if (node.labels[term.topologyKey] === undefined) return false;
    if ((term.domainOf(node)?.pods ?? 0) === 0) present = false;
  }
  if (present) return true;
  // The first of a group that wants its own kind beside it would else never be placed.
  return wanting.every((term) => term.podTotal === 0 && labelClass.terms.includes(term));
}

function score(liked: readonly TopologyTerm[], { shape }: PodInfo, node: NodeInfo): number {
  let sum = 0;
  for (const { term, weight } of shape.preferring) sum += weight * (term.domainOf(node)?.pods ?? 0);
  for (const term of liked) sum += term.domainOf(node)?.liking ?? 0;
  return sum;
}

/** The least liked node becomes 0, the most liked 100. */
function spreadOut(scores: Float64Array): void {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of scores) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const range = highest - lowest;
  for (let at = 0; at < scores.length; at++)
    scores[at] = range > 0 ? Math.floor((maxNodeScore * (scores[at]! - lowest)) / range) : 0;
}
