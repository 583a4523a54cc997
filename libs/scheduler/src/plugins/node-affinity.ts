import type { Node } from '#libs/client';
import type { PodInfo } from '../cache/pod-info.js';
import { normalizeByMax } from '../framework/normalize.js';
import type { FilterPlugin, PreFilterPlugin, ScorePlugin } from '../framework/plugin.js';
import { makeStatus } from '../framework/status.js';

const name = 'NodeAffinity';
const skip = makeStatus('skip', name);
const mismatch = makeStatus('unresolvable', name, "node(s) didn't match Pod's node affinity/selector");

function admits({ shape }: PodInfo, node: Node): boolean {
  return shape.requiredNodes?.({ name: node.metadata.name ?? '', labels: node.metadata.labels }) ?? true;
}

/** nodeSelector, and node affinity required and preferred. */
export const nodeAffinity: PreFilterPlugin & FilterPlugin & ScorePlugin = {
  name,
  weight: 2,
  events: [
    { type: 'NodeAdd', helps: (pod, event) => event.type === 'NodeAdd' && admits(pod, event.node) },
    {
      type: 'NodeUpdate',
      helps: (pod, event) =>
        event.type === 'NodeUpdate' &&
        event.changes.has('labels') &&
        admits(pod, event.node) &&
        !admits(pod, event.previous),
    },
  ],
  preFilter(_state, { shape }) {
    if (shape.requiredNodes === undefined) return skip;
    if (shape.requiredNodeNames === undefined) return undefined;
    return { nodeNames: shape.requiredNodeNames };
  },
  filter: (_state, { shape }, node) => (shape.requiredNodes!(node) ? undefined : mismatch),
  preScore: (_state, { shape }) => (shape.preferredNodes.length === 0 ? skip : undefined),
  score(_state, { shape }, node) {
    let sum = 0;
    for (const { weight, matches } of shape.preferredNodes) if (matches(node)) sum += weight;
    return sum;
  },
  normalize: (_state, _pod, _nodes, scores) => normalizeByMax(scores, false),
};
