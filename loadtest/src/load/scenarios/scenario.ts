import type { Group, Rate, Step } from '../plan.js';

/** What the command line settles before a scenario makes its work of it. */
export interface Wanted {
  readonly namespace: string;
  readonly clients: number;
  readonly rate: Rate | null;
  /** Pods, nodes, Deployments …: see the scenario's `items`. */
  readonly items: number;
}

export interface Scenario {
  readonly summary: string;
  /** What `--items` counts, and how many there are unless it is given; undefined: the flag means nothing here. */
  readonly items?: { readonly what: string; readonly default: number; readonly maximum: number };
  readonly clients: number;
  /** The rate when none is given; undefined: a closed loop. */
  readonly rate?: (items: number) => number;
  /** Simulated nodes that a cluster needs which is started for this load. */
  readonly nodes: number;
  /** What must stand before the load. */
  readonly prepare: readonly Preparation[];
  readonly groups: (wanted: Wanted) => readonly Group[];
  /** Collections outside of the namespace that are deleted afterwards, by their paths. */
  readonly cleanup?: (namespace: string) => readonly string[];
}

/** Objects to make before the load, number i of them by its body; `whenReady` waits for a Deployment's pods. */
export interface Preparation {
  readonly count: (wanted: Wanted) => number;
  readonly collection: (namespace: string) => string;
  readonly body: (namespace: string, i: number) => string;
  readonly whenReady: boolean;
}

/** A step with what most have. */
export function step(wanted: Pick<Step, 'name' | 'method' | 'path' | 'status'> & Partial<Step>): Step {
  return {
    body: null,
    contentType: wanted.body === undefined || wanted.body === null ? null : 'application/json',
    latencyOf: 'response',
    minimumLines: 0,
    until: null,
    ...wanted,
  };
}

export const mergePatch = 'application/merge-patch+json';
/** No load leaves more than this many objects behind, or sends more reads than that. */
export const maximumWrites = 200_000;
export const maximumReads = 5_000_000;

export const podsPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

/** The group of clients that the command line is about, with one operation. */
export function mainGroup(
  wanted: Wanted,
  steps: readonly Step[],
  maximumIterations: number,
): readonly [Group] {
  const { clients, rate } = wanted;
  const items = Math.max(1, wanted.items);
  return [{ name: 'clients', clients, rate, items, operations: [{ weight: 1, steps }], maximumIterations }];
}

/** Tells a Deployment that is whole. */
export const rolledOutProbe: Step = step({
  name: 'ready',
  method: 'GET',
  path: '',
  status: [200],
  until: 'rolled-out',
});
