import type { Taint, Toleration } from '#libs/client';
import type { SchedulerCache } from '../cache/cache.js';
import { normalizeByMax } from '../framework/normalize.js';
import type { FilterPlugin, ScorePlugin } from '../framework/plugin.js';
import { makeStatus, type Status } from '../framework/status.js';
import { tolerates, untoleratedTaint } from './tolerations.js';

const name = 'TaintToleration';
const skip = makeStatus('skip', name);
const refused = makeStatus('unresolvable', name, 'node(s) had untolerated taint(s)');

/** Taints keep pods away that do not tolerate them; PreferNoSchedule taints only make a node less liked. */
export function createTaintToleration(cache: SchedulerCache): FilterPlugin & ScorePlugin {
  return {
    name,
    weight: 3,
    events: [
      {
        type: 'NodeAdd',
        helps: (pod, event) =>
          event.type === 'NodeAdd' &&
          untoleratedTaint(event.node.spec?.taints ?? [], pod.shape.tolerations) === undefined,
      },
      {
        type: 'NodeUpdate',
        helps: (pod, event) =>
          event.type === 'NodeUpdate' &&
          event.changes.has('taints') &&
          untoleratedTaint(event.node.spec?.taints ?? [], pod.shape.tolerations) === undefined,
      },
    ],
    filter(_state, { shape }, node): Status | undefined {
      if (node.taints.length === 0) return undefined;
      return untoleratedTaint(node.taints, shape.tolerations) === undefined ? undefined : refused;
    },
    preScore: () => (cache.softTaintedNodes === 0 ? skip : undefined),
    score: (_state, { shape }, node) => softTaintsAgainst(node.taints, shape.tolerations),
    normalize: (_state, _pod, _nodes, scores) => normalizeByMax(scores, true),
  };
}

function softTaintsAgainst(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  let count = 0;
  for (const taint of taints) {
    if (taint.effect !== 'PreferNoSchedule') continue;
    if (!tolerations.some((toleration) => tolerates(toleration, taint))) count++;
  }
  return count;
}
