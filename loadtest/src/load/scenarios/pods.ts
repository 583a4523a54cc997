import { podBody } from '../../pod.js';
import {
  mainGroup,
  maximumReads,
  maximumWrites,
  mergePatch,
  type Preparation,
  podsPath,
  type Scenario,
  step,
} from './scenario.js';

const standingPods: Preparation = {
  count: ({ items }) => items,
  collection: podsPath,
  body: (namespace, i) => podBody(`pod-${i}`, namespace),
  whenReady: false,
};

const createPod = (namespace: string) =>
  step({
    name: 'create',
    method: 'POST',
    path: podsPath(namespace),
    body: podBody('load-{n}', namespace),
    status: [201],
  });
const deletePod = (namespace: string) =>
  step({ name: 'delete', method: 'DELETE', path: `${podsPath(namespace)}/load-{n}`, status: [200, 202] });
const getPod = (namespace: string) =>
  step({ name: 'get', method: 'GET', path: `${podsPath(namespace)}/pod-{i}`, status: [200] });
const listPods = (namespace: string, limit: number) =>
  step({ name: 'list', method: 'GET', path: `${podsPath(namespace)}?limit=${limit}`, status: [200] });

export const create: Scenario = {
  summary: 'creates pods of about 2.9 KB',
  clients: 64,
  nodes: 0,
  prepare: [],
  groups: (wanted) => mainGroup(wanted, [createPod(wanted.namespace)], maximumWrites),
};

export const read: Scenario = {
  summary: 'gets one pod of many; linearizable',
  items: { what: 'pods', default: 1_000, maximum: 50_000 },
  clients: 64,
  nodes: 0,
  prepare: [standingPods],
  groups: (wanted) => mainGroup(wanted, [getPod(wanted.namespace)], maximumReads),
};

export const list: Scenario = {
  summary: 'lists a namespace in one page; linearizable',
  items: { what: 'pods', default: 500, maximum: 50_000 },
  clients: 64,
  nodes: 0,
  prepare: [standingPods],
  groups: (wanted) => mainGroup(wanted, [listPods(wanted.namespace, wanted.items)], maximumReads),
};

/** The API server's own day: mostly reads, some changes, some comings and goings. */
export const mixed: Scenario = {
  summary: '70 % gets, 5 % pages of 100, 15 % merge patches, 10 % create and delete',
  items: { what: 'pods', default: 1_000, maximum: 50_000 },
  clients: 64,
  nodes: 0,
  prepare: [standingPods],
  groups: (wanted) => {
    const { namespace } = wanted;
    const patch = step({
      name: 'patch',
      method: 'PATCH',
      path: `${podsPath(namespace)}/pod-{i}`,
      body: JSON.stringify({ metadata: { annotations: { 'load.trireme.dev/turn': '{n}' } } }),
      contentType: mergePatch,
      status: [200],
    });
    const [group] = mainGroup(wanted, [], maximumReads);
    return [
      {
        ...group,
        operations: [
          { weight: 70, steps: [getPod(namespace)] },
          { weight: 5, steps: [listPods(namespace, 100)] },
          { weight: 15, steps: [patch] },
          { weight: 10, steps: [createPod(namespace), deletePod(namespace)] },
        ],
      },
    ];
  },
};

export const churn: Scenario = {
  summary: 'creates a pod and deletes it, again and again',
  clients: 64,
  nodes: 0,
  prepare: [],
  groups: (wanted) =>
    mainGroup(wanted, [createPod(wanted.namespace), deletePod(wanted.namespace)], maximumWrites),
};
