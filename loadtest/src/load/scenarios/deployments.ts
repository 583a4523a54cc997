import { mainGroup, maximumWrites, mergePatch, type Scenario, step } from './scenario.js';

const path = (namespace: string): string => `/apis/apps/v1/namespaces/${namespace}/deployments`;

function deployment(namespace: string, name: string, replicas: number): string {
  const labels = { app: name };
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'web', image: 'registry.example/web:1' }],
        },
      },
    },
  });
}

const rolledOut = (namespace: string, name: string) =>
  step({
    name: 'rollout',
    method: 'GET',
    path: `${path(namespace)}/${name}`,
    status: [200],
    until: 'rolled-out',
  });

/** Each client rolls a Deployment of its own to a new template and waits until all of its pods are new and ready. */
export const rollingUpdate: Scenario = {
  summary: 'changes the template of a Deployment of three pods and waits until all are replaced',
  clients: 8,
  nodes: 3,
  prepare: [
    {
      count: ({ clients }) => clients,
      collection: path,
      body: (namespace, i) => deployment(namespace, `web-${i}`, 3),
      whenReady: true,
    },
  ],
  groups: (wanted) => {
    const template = { metadata: { annotations: { 'load.trireme.dev/turn': '{n}' } } };
    const change = step({
      name: 'patch',
      method: 'PATCH',
      path: `${path(wanted.namespace)}/web-{c}`,
      body: JSON.stringify({ spec: { template } }),
      contentType: mergePatch,
      status: [200],
    });
    return mainGroup(wanted, [change, rolledOut(wanted.namespace, 'web-{c}')], maximumWrites);
  },
};

/** Deployments come up whole and go again, so that the nodes have room for the next one. */
export const scalePods: Scenario = {
  summary: 'creates a Deployment, waits until all of its pods are ready, and deletes it',
  items: { what: 'pods of a Deployment', default: 10, maximum: 1_000 },
  clients: 4,
  nodes: 5,
  prepare: [],
  groups: (wanted) => {
    const { namespace, items } = wanted;
    const create = step({
      name: 'create',
      method: 'POST',
      path: path(namespace),
      body: deployment(namespace, 'scale-{n}', items),
      status: [201],
    });
    const remove = step({
      name: 'delete',
      method: 'DELETE',
      path: `${path(namespace)}/scale-{n}?propagationPolicy=Background`,
      status: [200, 202],
    });
    return mainGroup(wanted, [create, rolledOut(namespace, 'scale-{n}'), remove], maximumWrites);
  },
};
