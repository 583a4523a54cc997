import type { QueueSortPlugin } from '../framework/plugin.js';

/** Higher priority first; of equal ones, who has waited longer. */
export const prioritySort: QueueSortPlugin = {
  name: 'PrioritySort',
  less: (a, b) =>
    a.info.priority > b.info.priority ||
    (a.info.priority === b.info.priority && a.timestampMs < b.timestampMs),
};
