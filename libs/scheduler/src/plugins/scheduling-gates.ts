import type { PreEnqueuePlugin } from '../framework/plugin.js';
import { makeStatus } from '../framework/status.js';

const name = 'SchedulingGates';

/** A pod with gates is not even queued (KEP-3521). */
export const schedulingGates: PreEnqueuePlugin = {
  name,
  events: [
    {
      type: 'PodUpdate',
      helps: (pod, event) => event.type === 'PodUpdate' && event.pod.metadata.uid === pod.uid,
    },
  ],
  preEnqueue({ pod }) {
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return makeStatus(
      'unresolvable',
      name,
      `waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`,
    );
  },
};
