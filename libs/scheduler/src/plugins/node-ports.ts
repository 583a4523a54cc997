import type { FilterPlugin, PreFilterPlugin } from '../framework/plugin.js';
import { makeStatus } from '../framework/status.js';

const name = 'NodePorts';
const skip = makeStatus('skip', name);
const taken = makeStatus('unschedulable', name, "node(s) didn't have free ports for the requested pod ports");

/** Two pods of one node cannot have the same host port. */
export const nodePorts: PreFilterPlugin & FilterPlugin = {
  name,
  events: [
    { type: 'NodeAdd' },
    {
      type: 'AssignedPodDelete',
      helps: (_pod, event) =>
        event.type === 'AssignedPodDelete' &&
        event.pod.spec.containers.some(({ ports }) => ports?.some(({ hostPort = 0 }) => hostPort > 0)),
    },
  ],
  preFilter: (_state, { shape }) => (shape.hostPorts.length === 0 ? skip : undefined),
  filter(_state, { shape }, node) {
    for (const port of shape.hostPorts) if (node.ports.conflicts(port)) return taken;
    return undefined;
  },
};
