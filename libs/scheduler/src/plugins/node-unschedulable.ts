import type { Taint } from '#libs/client';
import type { FilterPlugin } from '../framework/plugin.js';
import { makeStatus } from '../framework/status.js';
import { tolerates } from './tolerations.js';

const name = 'NodeUnschedulable';
const unschedulable = makeStatus('unresolvable', name, 'node(s) were unschedulable');
const asTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Cordoned nodes take only pods that tolerate it. */
export const nodeUnschedulable: FilterPlugin = {
  name,
  events: [
    {
      type: 'NodeAdd',
      helps: (_pod, event) => event.type === 'NodeAdd' && event.node.spec?.unschedulable !== true,
    },
    {
      type: 'NodeUpdate',
      helps: (_pod, event) => event.type === 'NodeUpdate' && event.node.spec?.unschedulable !== true,
    },
  ],
  filter: (_state, { shape }, node) =>
    !node.unschedulable || shape.tolerations.some((toleration) => tolerates(toleration, asTaint))
      ? undefined
      : unschedulable,
};
