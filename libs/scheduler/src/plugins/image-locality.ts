import type { SchedulerCache } from '../cache/cache.js';
import { maxNodeScore, type ScorePlugin } from '../framework/plugin.js';
import { makeStatus } from '../framework/status.js';

const name = 'ImageLocality';
const skip = makeStatus('skip', name);
const mb = 1024 * 1024;
const threshold = { min: 23 * mb, maxPerContainer: 1000 * mb } as const;

/**
 * Nodes that have the pod's images are better, by size; an image counts by the share of nodes that have it, so that
 * the first node to have a rare one does not draw all its pods.
 */
export function createImageLocality(cache: SchedulerCache): ScorePlugin {
  return {
    name,
    weight: 1,
    preScore: (_state, { shape }) =>
      cache.imageNodes.size > 0 && shape.images.some((image) => cache.imageNodes.has(image))
        ? undefined
        : skip,
    score(_state, { shape }, node) {
      const total = cache.nodes.length;
      let sum = 0;
      for (const image of shape.images) {
        const size = node.images.get(image);
        if (size !== undefined) sum += Math.floor(size * ((cache.imageNodes.get(image) ?? 0) / total));
      }
      const most = threshold.maxPerContainer * shape.containerCount;
      const bounded = Math.min(Math.max(sum, threshold.min), most);
      return Math.floor((maxNodeScore * (bounded - threshold.min)) / (most - threshold.min));
    },
  };
}
