import type { Node, Taint } from '#libs/client';
import { HostPorts } from './host-ports.js';
import type { PodInfo } from './pod-info.js';
import { addResources, noResources, parseResources, type Resources } from './resources.js';

const none: Readonly<Record<string, string>> = {};
const noTaints: readonly Taint[] = [];

export const zoneLabel = 'topology.kubernetes.io/zone';
const regionLabel = 'topology.kubernetes.io/region';

/** A node and what is on it, assumed pods among them. Sums are kept as pods come and go. */
export class NodeInfo {
  node: Node | undefined;
  labels: Readonly<Record<string, string>> = none;
  taints: readonly Taint[] = noTaints;
  unschedulable = false;
  allocatable: Resources = noResources();
  allowedPods = 0;
  /** Size in bytes by name, each name as the node reports it. */
  images: ReadonlyMap<string, number> = new Map();
  readonly requested: Resources = noResources();
  nonZeroMilliCpu = 0;
  nonZeroMemory = 0;
  readonly pods = new Map<string, PodInfo>();
  readonly ports = new HostPorts();
  /** Place in the list of nodes. */
  position = -1;

  constructor(readonly name: string) {}

  setNode(node: Node): void {
    this.node = node;
    this.labels = node.metadata.labels ?? none;
    this.taints = node.spec?.taints ?? noTaints;
    this.unschedulable = node.spec?.unschedulable === true;
    const allocatable = node.status?.allocatable;
    this.allocatable = parseResources(allocatable);
    this.allowedPods = Number(allocatable?.['pods'] ?? 0);
    const images = new Map<string, number>();
    for (const { names, sizeBytes } of node.status?.images ?? [])
      for (const name of names ?? []) images.set(name, sizeBytes ?? 0);
    this.images = images;
  }

  get zone(): string {
    return `${this.labels[regionLabel] ?? ''}/${this.labels[zoneLabel] ?? ''}`;
  }

  add(pod: PodInfo): void {
    this.pods.set(pod.uid, pod);
    pod.node = this;
    this.#count(pod, 1);
  }

  remove(pod: PodInfo): void {
    this.pods.delete(pod.uid);
    pod.node = undefined;
    this.#count(pod, -1);
  }

  #count({ shape }: PodInfo, sign: 1 | -1): void {
    addResources(this.requested, shape.requests, sign);
    this.nonZeroMilliCpu += sign * shape.nonZeroRequests.milliCpu;
    this.nonZeroMemory += sign * shape.nonZeroRequests.memory;
    for (const port of shape.hostPorts) this.ports.count(port, sign);
  }
}
