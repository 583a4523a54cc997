import { compileLabelSelector, type LabelSelector } from '#libs/apimachinery';
import type { TopologySpreadConstraint } from '#libs/client';
import { narrowed } from '../cache/affinity-term.js';
import type { NodeInfo } from '../cache/node-info.js';
import type { PodShape } from '../cache/pod-shape.js';
import type { TopologyIndex } from '../cache/topology-index.js';
import type { TopologyTerm } from '../cache/topology-term.js';
import { untoleratedTaint } from './tolerations.js';

export const hostnameLabel = 'kubernetes.io/hostname';

export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly topologyKey: string;
  readonly selector: LabelSelector;
  /** The pod counts among those that it is spread with. */
  readonly selfMatch: 0 | 1;
  readonly term: TopologyTerm;
}

/**
 * Compiles the constraints of one kind (hard or soft) of a shape. Nodes that lack one of their keys do not count at
 * all, where `requireAll`; nor do those that the pod could not be on, as far as the constraint's policies say so.
 */
export function compileConstraints(
  given: readonly TopologySpreadConstraint[],
  shape: PodShape,
  index: TopologyIndex,
  options: { readonly hard: boolean; readonly requireAll: boolean },
): SpreadConstraint[] {
  const keys = options.requireAll ? given.map(({ topologyKey }) => topologyKey).sort() : [];
  return given.map((constraint) => {
    const { maxSkew, minDomains = 1, topologyKey, labelSelector, matchLabelKeys } = constraint;
    const selector = compileLabelSelector(narrowed(labelSelector, shape.labels, matchLabelKeys));
    const match = {
      text: JSON.stringify([[shape.namespace], 0, selector.toString()]),
      selector,
      namespaces: new Set([shape.namespace]),
      namespaceSelector: undefined,
    };
    // How many hosts there are is known without counting; only the least used of them must be.
    const counted = options.hard || topologyKey !== hostnameLabel;
    const nodes = { ...eligibility(constraint, shape, keys), counted };
    const term = index.acquireTerm({ topologyKey, pods: [match], skipTerminating: true, nodes });
    return {
      maxSkew,
      minDomains,
      topologyKey,
      selector,
      selfMatch: selector.matches(shape.labels) ? 1 : 0,
      term,
    };
  });
}

function eligibility(
  { nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore' }: TopologySpreadConstraint,
  { requiredNodes, requiredNodesText, tolerations }: PodShape,
  keys: readonly string[],
): { text: string; eligible: (node: NodeInfo) => boolean } {
  const honorAffinity = nodeAffinityPolicy === 'Honor' && requiredNodes !== undefined;
  const honorTaints = nodeTaintsPolicy === 'Honor';
  return {
    text: JSON.stringify([keys, honorAffinity ? requiredNodesText : '', honorTaints ? tolerations : '']),
    eligible: (node) =>
      keys.every((key) => node.labels[key] !== undefined) &&
      (!honorAffinity || requiredNodes(node)) &&
      (!honorTaints || (!node.unschedulable && untoleratedTaint(node.taints, tolerations) === undefined)),
  };
}

const leastKnown = new WeakMap<TopologyTerm, { version: number; least: number; domains: number }>();

/** Pods in the domain that has fewest; 0 where there are fewer domains than the constraint asks for. */
export function leastCount({ term, minDomains }: SpreadConstraint): number {
  let known = leastKnown.get(term);
  if (known === undefined || known.version !== term.version) {
    let least = Number.POSITIVE_INFINITY;
    let domains = 0;
    for (const domain of term.domains.values()) {
      if (domain.nodes === 0) continue;
      domains++;
      if (domain.pods < least) least = domain.pods;
    }
    known = { version: term.version, least: domains === 0 ? 0 : least, domains };
    leastKnown.set(term, known);
  }
  return known.domains < minDomains ? 0 : known.least;
}
