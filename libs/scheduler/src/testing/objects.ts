import type { Node, Pod, PodSpec, Taint } from '#libs/client';

/** SPEC ONLY: objects as an API server would give them. */
let serial = 0;

export interface NodeParts {
  readonly labels?: Record<string, string>;
  readonly taints?: Taint[];
  readonly unschedulable?: boolean;
  readonly allocatable?: Record<string, string>;
  readonly images?: { names: string[]; sizeBytes: number }[];
}

export function makeNode(name: string, parts: NodeParts = {}): Node {
  const { labels = {}, taints, unschedulable, allocatable, images } = parts;
  const amounts = { cpu: '4', memory: '8Gi', 'ephemeral-storage': '100Gi', pods: '110', ...allocatable };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: {
      ...(taints === undefined ? {} : { taints }),
      ...(unschedulable === undefined ? {} : { unschedulable }),
    },
    status: { allocatable: amounts, capacity: amounts, ...(images === undefined ? {} : { images }) },
  };
}

export interface PodParts extends Partial<PodSpec> {
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly hostPort?: number;
  readonly image?: string;
  readonly deletionTimestamp?: string;
  readonly startTime?: string;
  readonly owner?: { apiVersion: string; kind: string; name: string };
}

export function makePod(name: string, parts: PodParts = {}): Pod {
  const { labels, namespace = 'default', cpu, memory, hostPort, image = 'app', ...rest } = parts;
  const { deletionTimestamp, startTime, owner, ...spec } = rest;
  const requests = { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}-${serial++}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(labels === undefined ? {} : { labels }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(owner === undefined ? {} : { ownerReferences: [{ ...owner, uid: owner.name, controller: true }] }),
    },
    spec: {
      containers: [
        {
          name: 'main',
          image,
          resources: { requests },
          ...(hostPort === undefined ? {} : { ports: [{ containerPort: hostPort, hostPort }] }),
        },
      ],
      ...spec,
    },
    ...(startTime === undefined ? {} : { status: { startTime } }),
  };
}
