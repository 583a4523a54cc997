import { maxNodeScore, type ScorePlugin } from '../framework/plugin.js';
import { makeStatus } from '../framework/status.js';

const name = 'NodeResourcesBalancedAllocation';
const skip = makeStatus('skip', name);

/** Nodes whose cpu and memory would be used in like shares are better. A pod that asks for neither has no say. */
export const nodeResourcesBalancedAllocation: ScorePlugin = {
  name,
  weight: 1,
  preScore: (_state, { shape }) =>
    shape.requests.milliCpu === 0 && shape.requests.memory === 0 ? skip : undefined,
  score(_state, { shape }, { allocatable, requested }) {
    const cpu = share(requested.milliCpu + shape.requests.milliCpu, allocatable.milliCpu);
    const memory = share(requested.memory + shape.requests.memory, allocatable.memory);
    // The standard deviation of two values is half their distance.
    const deviation = allocatable.milliCpu > 0 && allocatable.memory > 0 ? Math.abs(cpu - memory) / 2 : 0;
    return Math.floor((1 - deviation) * maxNodeScore);
  },
};

function share(requested: number, capacity: number): number {
  return capacity === 0 ? 0 : Math.min(requested / capacity, 1);
}
