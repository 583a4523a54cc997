import type { FilterPlugin, PreFilterPlugin } from '../framework/plugin.js';
import { makeStatus } from '../framework/status.js';

const name = 'NodeName';
const skip = makeStatus('skip', name);
const mismatch = makeStatus('unresolvable', name, "node(s) didn't match the requested node name");

/** A pod that names its node goes nowhere else. */
export const nodeName: PreFilterPlugin & FilterPlugin = {
  name,
  events: [{ type: 'NodeAdd' }],
  preFilter: (_state, { pod }) => ((pod.spec.nodeName ?? '') === '' ? skip : undefined),
  filter: (_state, { pod }, node) => (pod.spec.nodeName === node.name ? undefined : mismatch),
};
