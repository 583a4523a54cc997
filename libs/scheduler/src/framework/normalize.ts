import { maxNodeScore } from './plugin.js';

/** Scales to 0..100 by the highest; `reverse` makes the lowest the best (helper.DefaultNormalizeScore). In place. */
export function normalizeByMax(scores: Float64Array, reverse: boolean): void {
  let highest = 0;
  for (const score of scores) if (score > highest) highest = score;
  if (highest === 0) {
    if (reverse) scores.fill(maxNodeScore);
    return;
  }
  for (let at = 0; at < scores.length; at++) {
    const scaled = Math.floor((maxNodeScore * scores[at]!) / highest);
    scores[at] = reverse ? maxNodeScore - scaled : scaled;
  }
}
