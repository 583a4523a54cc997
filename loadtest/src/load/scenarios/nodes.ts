import { mainGroup, maximumReads, mergePatch, type Scenario, step } from './scenario.js';

const leases = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
/** A kubelet renews its Lease this often. */
const heartbeatSeconds = 10;

const lease = (namespace: string, name: string): string =>
  JSON.stringify({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace },
    spec: { holderIdentity: name, leaseDurationSeconds: 40 },
  });

/** What the heartbeats of N nodes cost: each renews its Lease every ten seconds, unless another rate is given. */
export const heartbeats: Scenario = {
  summary: `renews the Leases of many nodes, each every ${heartbeatSeconds} s`,
  items: { what: 'nodes', default: 1_000, maximum: 15_000 },
  clients: 64,
  rate: (items) => Math.max(1, Math.round(items / heartbeatSeconds)),
  nodes: 0,
  prepare: [
    {
      count: ({ items }) => items,
      collection: leases,
      body: (namespace, i) => lease(namespace, `node-${i}`),
      whenReady: false,
    },
  ],
  groups: (wanted) => {
    const renew = step({
      name: 'renew',
      method: 'PATCH',
      path: `${leases(wanted.namespace)}/node-{i}`,
      body: JSON.stringify({ spec: { renewTime: '{micro}' } }),
      contentType: mergePatch,
      status: [200],
    });
    return mainGroup(wanted, [renew], maximumReads);
  },
};

const runLabel = 'load.trireme.dev/run';
const maximumNodes = 5_000;

/** A node joins as a kubelet does: it registers, takes its Lease and reports its status. */
export const scaleNodes: Scenario = {
  summary: `registers nodes with their Leases and statuses, ${maximumNodes} at most`,
  clients: 8,
  nodes: 0,
  prepare: [],
  groups: (wanted) => {
    const { namespace } = wanted;
    const name = `${namespace}-{n}`;
    const capacity = { cpu: '32', memory: '128Gi', pods: '110' };
    const status = {
      capacity,
      allocatable: capacity,
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready' }],
    };
    // No pod of the cluster may be put on what is only a name.
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { [runLabel]: namespace, 'kubernetes.io/hostname': name } },
      spec: { unschedulable: true },
    };
    return mainGroup(
      wanted,
      [
        step({
          name: 'register',
          method: 'POST',
          path: '/api/v1/nodes',
          body: JSON.stringify(node),
          status: [201],
        }),
        step({
          name: 'lease',
          method: 'POST',
          path: leases(namespace),
          body: lease(namespace, name),
          status: [201],
        }),
        step({
          name: 'status',
          method: 'PATCH',
          path: `/api/v1/nodes/${name}/status`,
          body: JSON.stringify({ status }),
          contentType: mergePatch,
          status: [200],
        }),
      ],
      maximumNodes,
    );
  },
  cleanup: (namespace) => [`/api/v1/nodes?labelSelector=${runLabel}%3D${namespace}`],
};
