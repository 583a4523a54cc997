import { type Scenario, maximumReads, mainGroup, mergePatch, step } from './scenario.js';

const path = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;
const followSeconds = 2;
const writesPerSecond = 50;

/** What a watcher looks for in an event: when the write that it tells of was sent. */
export const sentAtMark = '"sentAt":"';

/** Fan-out: each client follows all objects while a writer of its own changes them. */
export const watch: Scenario = {
  summary: `watches all of a namespace's objects for ${followSeconds} s, again and again, while ${writesPerSecond} of them change a second`,
  items: { what: 'watched objects', default: 20, maximum: 5_000 },
  clients: 64,
  nodes: 0,
  prepare: [
    {
      count: ({ items }) => items,
      collection: path,
      body: (namespace, i) =>
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: `c-${i}`, namespace },
          data: { filler: 'z'.repeat(256) },
        }),
      whenReady: false,
    },
  ],
  groups: (wanted) => {
    const { namespace, items } = wanted;
    const follow = step({
      name: 'watch',
      method: 'GET',
      path: `${path(namespace)}?watch=true&resourceVersion=0&timeoutSeconds=${followSeconds}`,
      status: [200],
      latencyOf: 'first-byte',
      minimumLines: items,
    });
    const write = step({
      name: 'write',
      method: 'PATCH',
      path: `${path(namespace)}/c-{i}`,
      body: JSON.stringify({ data: { sentAt: '{ms}' } }),
      contentType: mergePatch,
      status: [200],
    });
    const writer = { ...wanted, clients: 4, rate: { from: writesPerSecond, to: writesPerSecond } };
    const [writers] = mainGroup(writer, [write], maximumReads);
    return [...mainGroup(wanted, [follow], maximumReads), { ...writers, name: 'writers' }];
  },
};
