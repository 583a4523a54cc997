import type { Node, Pod } from '#libs/client';
import { NodeInfo } from './node-info.js';
import { interleaveZones } from './node-list.js';
import { isFinished, PodInfo } from './pod-info.js';
import { shapeKeyOf } from './pod-shape.js';
import { Shapes } from './shapes.js';
import { TopologyIndex } from './topology-index.js';

/**
 * Nodes and what is on them, as of the last event and the last decision. A pod that was just decided is *assumed* on
 * its node until the watch confirms it or its binding fails. A scheduling cycle runs without a pause and reads this
 * state as it is: nothing is copied for it.
 */
export class SchedulerCache {
  readonly index: TopologyIndex;
  readonly shapes: Shapes;
  /** Pods on nodes by priority: tells at once whether there is anything to preempt. */
  readonly placedByPriority = new Map<number, number>();
  /** Nodes that have an image, by its name. */
  readonly imageNodes = new Map<string, number>();
  /** Nodes with a PreferNoSchedule taint. */
  softTaintedNodes = 0;
  /** Grows with whatever may make a pod fit that did not: capacity freed, a node that came or changed. */
  freed = 0;
  /** Grows with every change, placed pods among them. */
  changed = 0;
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #placed = new Map<string, PodInfo>();
  readonly #assumed = new Set<string>();
  #list: NodeInfo[] | undefined;

  constructor(namespaceLabels: (namespace: string) => Record<string, string> | undefined = () => undefined) {
    this.index = new TopologyIndex(() => this.nodes, namespaceLabels);
    this.shapes = new Shapes(this.index);
  }

  /** Known nodes, zones in turn. The array is replaced, not changed, when nodes come or go. */
  get nodes(): readonly NodeInfo[] {
    this.#list ??= interleaveZones([...this.#nodes.values()].filter(({ node }) => node !== undefined));
    return this.#list;
  }

  nodeByName(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.node === undefined ? undefined : info;
  }

  podByUid(uid: string): PodInfo | undefined {
    return this.#placed.get(uid);
  }

  get assumedCount(): number {
    return this.#assumed.size;
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid);
  }

  /** A node that came or changed in what matters to scheduling. */
  setNode(node: Node): void {
    const info = this.#reach(node.metadata.name ?? '');
    if (info.node === undefined) this.#list = undefined;
    else this.#countNode(info, -1);
    const zone = info.zone;
    info.setNode(node);
    if (info.zone !== zone) this.#list = undefined;
    this.#countNode(info, 1);
    this.freed++;
    this.changed++;
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info?.node === undefined) return;
    this.#countNode(info, -1);
    info.node = undefined;
    info.position = -1;
    this.#list = undefined;
    this.#dropIfEmpty(info);
    // A domain that vanished may lower what spreading compares with.
    this.freed++;
    this.changed++;
  }

  /** A pod that the API shows on a node, new or changed. Finished pods hold nothing and are taken off. */
  setPod(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const known = this.#placed.get(uid);
    const nodeName = pod.spec.nodeName ?? '';
    if (isFinished(pod) || nodeName === '') return this.removePod(uid);
    if (known !== undefined && known.node?.name === nodeName && unchanged(known, pod)) {
      this.#assumed.delete(uid);
      known.pod = pod;
      return;
    }
    const info = this.shapes.infoOf(pod);
    if (known !== undefined) this.removePod(uid);
    this.#place(info, nodeName);
  }

  removePod(uid: string): void {
    const known = this.#placed.get(uid);
    if (known === undefined) return;
    this.#takeOff(known);
    this.shapes.release(known);
    this.freed++;
  }

  /** Counts a pod on the node chosen for it. Follow with `forget` when its binding fails. */
  assume(pod: PodInfo, node: NodeInfo): void {
    pod.shape.users++;
    this.#assumed.add(pod.uid);
    this.#place(pod, node.name);
  }

  forget(pod: PodInfo): void {
    if (this.#assumed.has(pod.uid)) this.removePod(pod.uid);
  }

  /** For trying out: takes a pod off its node as if it were gone. Undo with `restore` before the cycle ends. */
  withdraw(pod: PodInfo): void {
    const { node } = pod;
    if (node === undefined) return;
    if (node.node !== undefined) this.index.countPod(pod, node, -1);
    node.remove(pod);
  }

  /** For trying out: puts a pod on a node. Undo with `withdraw` before the cycle ends. */
  restore(pod: PodInfo, node: NodeInfo): void {
    node.add(pod);
    if (node.node !== undefined) this.index.countPod(pod, node, 1);
  }

  #place(pod: PodInfo, nodeName: string): void {
    this.#placed.set(pod.uid, pod);
    this.restore(pod, this.#reach(nodeName));
    this.placedByPriority.set(pod.priority, (this.placedByPriority.get(pod.priority) ?? 0) + 1);
    this.changed++;
  }

  #takeOff(pod: PodInfo): void {
    const { node } = pod;
    this.#placed.delete(pod.uid);
    this.#assumed.delete(pod.uid);
    this.withdraw(pod);
    const left = (this.placedByPriority.get(pod.priority) ?? 0) - 1;
    if (left > 0) this.placedByPriority.set(pod.priority, left);
    else this.placedByPriority.delete(pod.priority);
    if (node !== undefined) this.#dropIfEmpty(node);
    this.changed++;
  }

  /** All that is counted about a node, with the labels and taints that it has at the time. */
  #countNode(info: NodeInfo, sign: 1 | -1): void {
    this.index.countNode(info, sign);
    for (const pod of info.pods.values()) this.index.countPod(pod, info, sign);
    if (info.taints.some(({ effect }) => effect === 'PreferNoSchedule')) this.softTaintedNodes += sign;
    for (const name of info.images.keys()) {
      const nodes = (this.imageNodes.get(name) ?? 0) + sign;
      if (nodes > 0) this.imageNodes.set(name, nodes);
      else this.imageNodes.delete(name);
    }
  }

  #reach(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (info === undefined) this.#nodes.set(name, (info = new NodeInfo(name)));
    return info;
  }

  /** Pods may be known before their node, and after it; the entry goes when neither is left. */
  #dropIfEmpty(info: NodeInfo): void {
    if (info.node === undefined && info.pods.size === 0) this.#nodes.delete(info.name);
  }
}

/** Most updates of a running pod are its status; a change of its spec grows its generation. */
function unchanged({ pod: known, terminating, shape }: PodInfo, pod: Pod): boolean {
  const { generation, labels, deletionTimestamp } = pod.metadata;
  if (terminating !== (deletionTimestamp !== undefined)) return false;
  if (generation !== undefined && known.metadata.generation === generation)
    return sameEntries(known.metadata.labels, labels);
  return shapeKeyOf(pod) === shape.key;
}

export function sameEntries(
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>> | undefined,
): boolean {
  if (a === b) return true;
  let count = 0;
  for (const key in a) {
    if (b?.[key] !== a[key]) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}
