import type { Node, Pod } from '#libs/client';
import type { NodeInfo } from '../cache/node-info.js';
import type { PodInfo } from '../cache/pod-info.js';
import type { PodShape } from '../cache/pod-shape.js';
import { parseResources, podRequests } from '../cache/resources.js';
import { maxNodeScore, type FilterPlugin, type ScorePlugin } from '../framework/plugin.js';
import { makeStatus, type Status } from '../framework/status.js';

const name = 'NodeResourcesFit';

const bits = { pods: 1, cpu: 2, memory: 4, storage: 8, tooLarge: 16 } as const;
const basicReasons: readonly (readonly [number, string])[] = [
  [bits.pods, 'Too many pods'],
  [bits.cpu, 'Insufficient cpu'],
  [bits.memory, 'Insufficient memory'],
  [bits.storage, 'Insufficient ephemeral-storage'],
];
/** Refusals for lack of the basic resources, by which of them lack: a full cluster makes no garbage. */
const basicRefusals: readonly Status[] = Array.from({ length: 32 }, (_, set) =>
  makeStatus(
    (set & bits.tooLarge) === 0 ? 'unschedulable' : 'unresolvable',
    name,
    ...basicReasons.filter(([bit]) => (set & bit) !== 0).map(([, reason]) => reason),
  ),
);

/** Requests must fit into what is left; nodes with more left are better (LeastAllocated over cpu and memory). */
export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name,
  weight: 1,
  events: [
    { type: 'AssignedPodDelete' },
    {
      type: 'AssignedPodUpdate',
      helps: (_pod, event) => event.type === 'AssignedPodUpdate' && shrank(event.previous, event.pod),
    },
    { type: 'NodeAdd', helps: (pod, event) => event.type === 'NodeAdd' && couldFit(pod, event.node) },
    {
      type: 'NodeUpdate',
      helps: (pod, event) =>
        event.type === 'NodeUpdate' && event.changes.has('allocatable') && couldFit(pod, event.node),
    },
  ],
  filter: (_state, { shape }, node) => lackOf(shape, node),
  score(_state, { shape }, node) {
    const { milliCpu, memory } = node.allocatable;
    const cpuScore = leastRequested(node.nonZeroMilliCpu + shape.nonZeroRequests.milliCpu, milliCpu);
    const memoryScore = leastRequested(node.nonZeroMemory + shape.nonZeroRequests.memory, memory);
    const counted = (milliCpu > 0 ? 1 : 0) + (memory > 0 ? 1 : 0);
    return counted === 0 ? 0 : Math.floor((cpuScore + memoryScore) / counted);
  },
};

function lackOf({ requests }: PodShape, node: NodeInfo): Status | undefined {
  const { allocatable, requested } = node;
  const { milliCpu, memory, ephemeralStorage, scalars } = requests;
  let lacks = node.pods.size + 1 > node.allowedPods ? bits.pods : 0;
  let tooLarge = 0;
  if (milliCpu > 0 && milliCpu > allocatable.milliCpu - requested.milliCpu) {
    lacks |= bits.cpu;
    if (milliCpu > allocatable.milliCpu) tooLarge = bits.tooLarge;
  }
  if (memory > 0 && memory > allocatable.memory - requested.memory) {
    lacks |= bits.memory;
    if (memory > allocatable.memory) tooLarge = bits.tooLarge;
  }
  if (ephemeralStorage > 0 && ephemeralStorage > allocatable.ephemeralStorage - requested.ephemeralStorage) {
    lacks |= bits.storage;
    if (ephemeralStorage > allocatable.ephemeralStorage) tooLarge = bits.tooLarge;
  }
  const basic = lacks === 0 ? undefined : basicRefusals[lacks | tooLarge];
  return scalars === undefined ? basic : withScalars(basic, scalars, node);
}

function withScalars(
  basic: Status | undefined,
  scalars: ReadonlyMap<string, number>,
  { allocatable, requested }: NodeInfo,
): Status | undefined {
  const reasons: string[] = [];
  let resolvable = basic?.code !== 'unresolvable';
  for (const [resource, amount] of scalars) {
    if (amount === 0) continue;
    const has = allocatable.scalars?.get(resource) ?? 0;
    if (amount <= has - (requested.scalars?.get(resource) ?? 0)) continue;
    reasons.push(`Insufficient ${resource}`);
    if (amount > has) resolvable = false;
  }
  if (reasons.length === 0) return basic;
  return makeStatus(
    resolvable ? 'unschedulable' : 'unresolvable',
    name,
    ...(basic?.reasons ?? []),
    ...reasons,
  );
}

function leastRequested(requested: number, capacity: number): number {
  if (capacity === 0 || requested > capacity) return 0;
  return Math.floor(((capacity - requested) * maxNodeScore) / capacity);
}

/** A pod that was resized in place may leave room (KEP-1287). */
function shrank(before: Pod, after: Pod): boolean {
  const had = podRequests(before.spec);
  const has = podRequests(after.spec);
  if (has.milliCpu < had.milliCpu || has.memory < had.memory) return true;
  return has.ephemeralStorage < had.ephemeralStorage;
}

/** Whether the pod would fit on the node if nothing else were on it. */
function couldFit({ shape }: PodInfo, node: Node): boolean {
  const has = parseResources(node.status?.allocatable);
  const { milliCpu, memory, ephemeralStorage, scalars } = shape.requests;
  if (milliCpu > has.milliCpu || memory > has.memory || ephemeralStorage > has.ephemeralStorage) return false;
  for (const [resource, amount] of scalars ?? [])
    if (amount > (has.scalars?.get(resource) ?? 0)) return false;
  return Number(node.status?.allocatable?.['pods'] ?? 0) > 0;
}
