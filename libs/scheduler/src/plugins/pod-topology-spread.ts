import type { LabelSelector, TopologySpreadConstraint } from '#libs/client';
import type { SchedulerCache } from '../cache/cache.js';
import { zoneLabel, type NodeInfo } from '../cache/node-info.js';
import type { PodInfo } from '../cache/pod-info.js';
import type { PodShape } from '../cache/pod-shape.js';
import {
  maxNodeScore,
  type FilterPlugin,
  type PreFilterPlugin,
  type ScorePlugin,
} from '../framework/plugin.js';
import { makeStatus, type Status } from '../framework/status.js';
import type { ClusterEvent } from '../queue/events.js';
import type { WorkloadSelectors } from '../workload-selectors.js';
import {
  compileConstraints,
  hostnameLabel,
  leastCount,
  type SpreadConstraint,
} from './spread-constraints.js';

const name = 'PodTopologySpread';
const skip = makeStatus('skip', name);
const skewed = makeStatus('unschedulable', name, "node(s) didn't match pod topology spread constraints");
const noLabel = makeStatus(
  'unresolvable',
  name,
  "node(s) didn't match pod topology spread constraints (missing required label)",
);

/** What a pod of a Service or workload without constraints of its own is spread by (KEP-895, system defaults). */
const defaults: readonly TopologySpreadConstraint[] = [
  { maxSkew: 3, topologyKey: hostnameLabel, whenUnsatisfiable: 'ScheduleAnyway' },
  { maxSkew: 5, topologyKey: zoneLabel, whenUnsatisfiable: 'ScheduleAnyway' },
];

interface Softly {
  readonly constraints: readonly SpreadConstraint[];
  readonly requireAll: boolean;
}

const softKey = `${name}/soft`;

interface Weighed {
  readonly constraint: SpreadConstraint;
  readonly weight: number;
}

/** Pods that are to be spread over domains evenly: hard constraints filter, soft ones and the cluster's defaults score. */
export function createPodTopologySpread(
  cache: SchedulerCache,
  workloads: WorkloadSelectors,
): PreFilterPlugin & FilterPlugin & ScorePlugin {
  const hardOf = (shape: PodShape): readonly SpreadConstraint[] => {
    if (shape.spread.length === 0) return [];
    let hard = shape.derived.get('spread/hard') as readonly SpreadConstraint[] | undefined;
    if (hard === undefined) {
      const given = shape.spread.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
      hard = compileConstraints(given, shape, cache.index, { hard: true, requireAll: true });
      shape.terms.push(...hard.map(({ term }) => term));
      shape.derived.set('spread/hard', hard);
    }
    return hard;
  };
  const softOf = createSoftConstraints(cache, workloads);
  const podHelps = (pod: PodInfo, event: ClusterEvent): boolean =>
    'pod' in event &&
    event.pod.metadata.namespace === pod.shape.namespace &&
    hardOf(pod.shape).some(
      ({ selector }) =>
        selector.matches(event.pod.metadata.labels) ||
        ('previous' in event && selector.matches(event.previous.metadata.labels)),
    );
  return {
    name,
    weight: 2,
    events: [
      { type: 'AssignedPodAdd', helps: podHelps },
      { type: 'AssignedPodUpdate', helps: podHelps },
      { type: 'AssignedPodDelete', helps: podHelps },
      { type: 'NodeAdd' },
      {
        type: 'NodeUpdate',
        helps: (_pod, event) => event.type === 'NodeUpdate' && !event.changes.has('allocatable'),
      },
      { type: 'NodeDelete' },
    ],
    preFilter: (_state, { shape }) => (hardOf(shape).length === 0 ? skip : undefined),
    filter: (_state, { shape }, node) => filter(hardOf(shape), node),
    preScore(state, { shape }, nodes) {
      const { constraints } = softOf(shape);
      if (constraints.length === 0) return skip;
      state.write(
        softKey,
        constraints.map((constraint) => weighed(constraint, nodes.length)),
      );
      return undefined;
    },
    score: (state, _pod, node) => score(state.read<readonly Weighed[]>(softKey) ?? [], node),
    normalize(_state, { shape }, nodes, scores) {
      const { constraints, requireAll } = softOf(shape);
      const ignored = requireAll
        ? (node: NodeInfo) => constraints.some(({ topologyKey }) => node.labels[topologyKey] === undefined)
        : () => false;
      fewerIsBetter(nodes, scores, ignored);
    },
  };
}

/** A pod's own soft constraints, else the defaults over what its Services and its workload select. */
function createSoftConstraints(
  cache: SchedulerCache,
  workloads: WorkloadSelectors,
): (shape: PodShape) => Softly {
  interface Known extends Softly {
    readonly version: number;
    readonly text: string;
  }
  const none: Softly = { constraints: [], requireAll: false };
  return (shape) => {
    const own = shape.spread.length > 0;
    const version = own ? 0 : workloads.version;
    const known = shape.derived.get('spread/soft') as Known | undefined;
    if (known?.version === version) return known;
    const labelSelector = own ? undefined : workloads.selectorOf(shape);
    const given: readonly TopologySpreadConstraint[] = own
      ? shape.spread.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway')
      : labelSelector === undefined
        ? []
        : defaults.map((constraint) => ({ ...constraint, labelSelector: labelSelector as LabelSelector }));
    const text = JSON.stringify(labelSelector) ?? '';
    if (known !== undefined && known.text === text) {
      shape.derived.set('spread/soft', { ...known, version });
      return known;
    }
    const old = new Set((known ?? none).constraints.map(({ term }) => term));
    const constraints = compileConstraints(given, shape, cache.index, { hard: false, requireAll: own });
    for (const term of old) {
      shape.terms.splice(shape.terms.indexOf(term), 1);
      cache.index.releaseTerm(term);
    }
    shape.terms.push(...constraints.map(({ term }) => term));
    const soft: Known = { constraints, requireAll: own, version, text };
    shape.derived.set('spread/soft', soft);
    return soft;
  };
}

function filter(constraints: readonly SpreadConstraint[], node: NodeInfo): Status | undefined {
  for (const constraint of constraints) {
    const { term, maxSkew, selfMatch, topologyKey } = constraint;
    if (node.labels[topologyKey] === undefined) return noLabel;
    const here = term.domainOf(node)?.pods ?? 0;
    if (here + selfMatch - leastCount(constraint) > maxSkew) return skewed;
  }
  return undefined;
}

/** The more domains there are, the less a pod more in one of them says; the logarithm evens that out. */
function weighed(constraint: SpreadConstraint, nodeCount: number): Weighed {
  const { term, topologyKey } = constraint;
  const domains = topologyKey === hostnameLabel ? nodeCount : term.domains.size;
  return { constraint, weight: Math.log(domains + 2) };
}

function score(weighedConstraints: readonly Weighed[], node: NodeInfo): number {
  let sum = 0;
  for (const { constraint, weight } of weighedConstraints) {
    const { term, topologyKey, maxSkew } = constraint;
    if (node.labels[topologyKey] === undefined) continue;
    sum += (term.domainOf(node)?.pods ?? 0) * weight + (maxSkew - 1);
  }
  return Math.round(sum);
}

function fewerIsBetter(
  nodes: readonly NodeInfo[],
  scores: Float64Array,
  ignored: (node: NodeInfo) => boolean,
): void {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = 0;
  for (let at = 0; at < nodes.length; at++) {
    if (ignored(nodes[at]!)) continue;
    const value = scores[at]!;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  for (let at = 0; at < nodes.length; at++) {
    if (ignored(nodes[at]!)) scores[at] = 0;
    else if (highest === 0) scores[at] = maxNodeScore;
    else scores[at] = Math.floor((maxNodeScore * (highest + lowest - scores[at]!)) / highest);
  }
}
