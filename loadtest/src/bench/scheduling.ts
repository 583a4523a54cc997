/**
 * Scheduling alone: the whole scheduler (informers, queue, decisions, bindings) over an API that is a few maps in
 * memory and answers at once. Prints pods bound a second for five kinds of work at three sizes, and the CPU time a pod,
 * so that growth shows and a busy machine does not hide it. Run after a build: `node dist/loadtest/src/bench/scheduling.js [kind]`.
 */
import { performance } from 'node:perf_hooks';
import type { Node, Pod, PodSpec } from '#libs/client';
import { startScheduler } from '#libs/scheduler';
import { MemoryApi } from './memory-api.js';

const sizes = [
  { nodes: 100, pods: 1_000 },
  { nodes: 1_000, pods: 5_000 },
  { nodes: 5_000, pods: 10_000 },
] as const;

const zones = 10;
const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';

function makeNode(index: number): Node {
  const name = `node-${index}`;
  const allocatable = { cpu: '32', memory: '128Gi', pods: '110' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: { [hostname]: name, [zone]: `zone-${index % zones}`, half: String(index % 2) },
    },
    spec: {},
    status: { allocatable, capacity: allocatable },
  };
}

interface Kind {
  /** `group` pods share labels; a new group starts after `groupSize` pods. */
  readonly groupSize: (nodes: number) => number;
  readonly affinity: (group: string) => PodSpec['affinity'];
  /** Pods that fit nowhere, created first. */
  readonly hopeless?: number;
}

const term = (group: string, topologyKey: string) => ({
  labelSelector: { matchLabels: { group } },
  topologyKey,
});

const kinds: Readonly<Record<string, Kind>> = {
  plain: { groupSize: () => 1_000, affinity: () => undefined },
  'plain beside 8,000 unschedulable': { groupSize: () => 1_000, affinity: () => undefined, hopeless: 8_000 },
  'node affinity': {
    groupSize: () => 1_000,
    affinity: () => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'half', operator: 'In', values: ['1'] }] }],
        },
      },
    }),
  },
  'pod affinity': {
    groupSize: () => 200,
    affinity: (group) => ({
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(group, zone)] },
    }),
  },
  // Every node takes one pod of a group: groups as large as nine tenths of the cluster.
  'pod anti-affinity': {
    groupSize: (nodes) => Math.floor(nodes * 0.9),
    affinity: (group) => ({
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(group, hostname)] },
    }),
  },
};

function makePod(index: number, nodes: number, kind: Kind): Pod {
  const group = `group-${Math.floor(index / kind.groupSize(nodes))}`;
  const affinity = kind.affinity(group);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pod-${index}`,
      namespace: 'default',
      uid: `uid-${index}`,
      generation: 1,
      labels: { group },
    },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [
        { name: 'main', image: 'app:1', resources: { requests: { cpu: '100m', memory: '500Mi' } } },
      ],
      ...(affinity === undefined ? {} : { affinity }),
    },
    status: { phase: 'Pending' },
  };
}

function makeHopelessPod(index: number): Pod {
  const pod = makePod(index, 1_000, kinds['plain']!);
  const name = `hopeless-${index}`;
  return {
    ...pod,
    metadata: { ...pod.metadata, name, uid: name },
    spec: { ...pod.spec, nodeSelector: { no: 'such' } },
  };
}

interface Measured {
  readonly podsPerSecond: number;
  readonly cpuMicrosPerPod: number;
}

async function measure(kind: Kind, nodes: number, pods: number): Promise<Measured> {
  const api = new MemoryApi();
  for (let index = 0; index < nodes; index++) api.put('nodes', makeNode(index));
  for (let index = 0; index < (kind.hopeless ?? 0); index++) api.put('pods', makeHopelessPod(index));
  for (let index = 0; index < pods; index++) api.put('pods', makePod(index, nodes, kind));
  const stopper = new AbortController();
  const failures: unknown[] = [];
  const scheduler = startScheduler({
    transport: api,
    signal: stopper.signal,
    onError: (error) => failures.push(error),
  });
  await scheduler.synced();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await api.whenBound(pods);
  const seconds = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  await scheduler.stop();
  if (failures.length > 0) throw new Error(`${failures.length} failures`, { cause: failures[0] });
  return { podsPerSecond: pods / seconds, cpuMicrosPerPod: (user + system) / pods };
}

const chosen = process.argv[2];
process.stdout.write('| kind | nodes | pods | pods/s | CPU µs a pod |\n|---|---:|---:|---:|---:|\n');
for (const [name, kind] of Object.entries(kinds)) {
  if (chosen !== undefined && chosen !== name) continue;
  for (const { nodes, pods } of sizes) {
    const { podsPerSecond, cpuMicrosPerPod } = await measure(kind, nodes, pods);
    const cells = [name, nodes, pods, Math.round(podsPerSecond), Math.round(cpuMicrosPerPod)];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
}
