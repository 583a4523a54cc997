import { podBody } from '../pod.js';
import type { ScenarioName, Work } from './plan.js';

export interface Scenario {
  readonly summary: string;
  /** Pods that must stand in the namespace before the load; the flag `--pods` changes it. */
  readonly pods: number;
  /** Requests are bounded, because each leaves a pod behind or costs a stream. */
  readonly maximumRequests: number;
  readonly work: (namespace: string, pods: number) => Work;
}

const get = { method: 'GET', body: null, status: 200, items: null } as const;
const whole = { latencyOf: 'response', minimumLines: 0 } as const;

/** The named loads. Each request of one is the same for every engine. */
export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  create: {
    summary: 'creates pods of about 2.9 KB',
    pods: 0,
    maximumRequests: 200_000,
    work: (namespace) => ({
      ...whole,
      method: 'POST',
      path: podsPath(namespace),
      body: podBody('load-{n}', namespace),
      status: 201,
      items: null,
    }),
  },
  read: {
    summary: 'gets one pod of many; linearizable',
    pods: 1_000,
    maximumRequests: 5_000_000,
    work: (namespace, pods) => ({
      ...get,
      ...whole,
      path: `${podsPath(namespace)}/pod-{n}`,
      items: pods,
    }),
  },
  list: {
    summary: 'lists a namespace in one page; linearizable',
    pods: 500,
    maximumRequests: 1_000_000,
    work: (namespace, pods) => ({ ...get, ...whole, path: `${podsPath(namespace)}?limit=${pods}` }),
  },
  watch: {
    summary: 'opens a watch, receives an event for every pod that is there, follows for a second',
    pods: 20,
    maximumRequests: 1_000_000,
    work: (namespace, pods) => ({
      ...get,
      path: `${podsPath(namespace)}?watch=true&resourceVersion=0&timeoutSeconds=1`,
      latencyOf: 'first-byte',
      minimumLines: pods,
    }),
  },
};

function podsPath(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/pods`;
}
