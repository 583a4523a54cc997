import {
  type Client,
  type Clock,
  createInformer,
  createWorkQueue,
  formatMicroTime,
  formatTime,
  isAlreadyExists,
  isNotFound,
  keyOf,
  type Node,
  type Pod,
  resources,
  runController,
  splitKey,
  type WorkQueueOptions,
} from '#libs/client';
import type { NodeMetrics } from '../metrics.js';
import type { RunningPods } from './running-pods.js';
import { addressesOf, type Addresses } from './addresses.js';
import { type LifecycleDelays, nextStep } from './pod-lifecycle.js';

export interface SimulatedNodesOptions {
  readonly client: Client;
  readonly count: number;
  /** Nodes are named `<prefix><number>`, from 1. */
  readonly namePrefix: string;
  readonly delays: LifecycleDelays;
  /** Each node renews its Lease this often. */
  readonly heartbeatMs: number;
  readonly clock: Clock;
  readonly version: string;
  readonly onError: (error: unknown, what: string) => void;
  readonly metrics?: NodeMetrics;
  readonly running?: RunningPods;
  /** Requests under way at the same time. */
  readonly workers?: number;
}

const leaseNamespace = 'kube-node-lease';
const leaseDurationSeconds = 40;

/**
 * Nodes that register, heartbeat by Lease, and take the pods bound to them through their life, in memory. One
 * instance stands for up to thousands: one watch of pods, one queue. Runs until the signal aborts.
 */
export async function runSimulatedNodes(options: SimulatedNodesOptions, signal: AbortSignal): Promise<void> {
  const names = nodeNames(options.namePrefix, options.count);
  const addresses = new Map(names.map((name, i) => [name, addressesOf(i)]));
  await Promise.all([runHeartbeats(options, addresses, signal), runPods(options, addresses, signal)]);
}

export function nodeNames(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);
}

async function runHeartbeats(
  options: SimulatedNodesOptions,
  addresses: ReadonlyMap<string, Addresses>,
  signal: AbortSignal,
): Promise<void> {
  const queue = createWorkQueue(queueOptions(options, 'node-heartbeat'));
  const registered = new Set<string>();
  for (const name of addresses.keys()) queue.add(name);
  await runController({
    name: 'node-heartbeat',
    queue,
    workers: options.workers ?? 32,
    signal,
    onError: (error, name) => {
      registered.delete(name);
      options.onError(error, `node ${name}`);
    },
    reconcile: async (name) => {
      const own = addresses.get(name);
      if (own === undefined) return;
      if (!registered.has(name)) await register(options, name, own);
      registered.add(name);
      await renew(options, name);
      return { requeueAfterMs: options.heartbeatMs };
    },
  });
}

async function register(options: SimulatedNodesOptions, name: string, own: Addresses): Promise<void> {
  const nodes = options.client.resource(resources.nodes);
  const node = nodeObject(options, name, own);
  try {
    await nodes.create(structuredClone(node));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  // Status is a subresource: what create dropped is written here, and a node that came back is Ready again.
  await nodes.patch(name, { status: node.status }, { type: 'strategic', subresource: 'status' });
}

function nodeObject(options: SimulatedNodesOptions, name: string, own: Addresses): Node {
  const now = formatTime(options.clock.now());
  const resourcesOf = { cpu: '32', memory: '256Gi', pods: '110', 'ephemeral-storage': '1Ti' };
  const healthy = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'beta.kubernetes.io/arch': 'amd64',
        'trireme.dev/simulated': 'true',
      },
    },
    spec: { podCIDR: own.podCIDR, podCIDRs: [own.podCIDR] },
    status: {
      capacity: resourcesOf,
      allocatable: resourcesOf,
      addresses: [
        { type: 'InternalIP', address: own.hostIP },
        { type: 'Hostname', address: name },
      ],
      conditions: [
        healthy(
          'MemoryPressure',
          'False',
          'KubeletHasSufficientMemory',
          'simulated node has sufficient memory',
        ),
        healthy('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'simulated node has no disk pressure'),
        healthy(
          'PIDPressure',
          'False',
          'KubeletHasSufficientPID',
          'simulated node has sufficient PID available',
        ),
        healthy('Ready', 'True', 'KubeletReady', 'simulated node is posting ready status'),
      ],
      nodeInfo: {
        machineID: name,
        systemUUID: name,
        bootID: name,
        kernelVersion: 'simulated',
        osImage: 'simulated',
        operatingSystem: 'linux',
        architecture: 'amd64',
        kubeletVersion: `v1.36.0-trireme.${options.version}`,
        kubeProxyVersion: '',
        containerRuntimeVersion: `simulated://${options.version}`,
      },
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    },
  } as Node;
}

async function renew(options: SimulatedNodesOptions, name: string): Promise<void> {
  const leases = options.client.resource(resources.leases);
  const spec = {
    holderIdentity: name,
    leaseDurationSeconds,
    renewTime: formatMicroTime(options.clock.now()),
  };
  try {
    await leases.patch(name, { spec }, { namespace: leaseNamespace });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const node = await options.client.resource(resources.nodes).get(name);
    await leases.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name,
        namespace: leaseNamespace,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid ?? '' }],
      },
      spec,
    });
  }
}

async function runPods(
  options: SimulatedNodesOptions,
  addresses: ReadonlyMap<string, Addresses>,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock } = options;
  const queue = createWorkQueue(queueOptions(options, 'simulated-pods'));
  /** When each pod was first seen in its present station, bound or deleted. */
  const since = new Map<
    string,
    { readonly uid: string | undefined; readonly deleted: boolean; readonly atMs: number }
  >();
  const informer = createInformer({
    client: client.resource(resources.pods),
    fieldSelector: 'spec.nodeName!=',
    onError: (error) => options.onError(error, 'watch of pods'),
  });
  const enqueue = (pod: Pod): void => {
    if (!addresses.has(pod.spec.nodeName ?? '')) return;
    const key = keyOf(pod);
    options.running?.seen(key, pod);
    const { uid, deletionTimestamp } = pod.metadata;
    const deleted = deletionTimestamp !== undefined;
    const known = since.get(key);
    if (known?.uid !== uid || known?.deleted !== deleted) since.set(key, { uid, deleted, atMs: clock.now() });
    queue.add(key);
  };
  const forget = (pod: Pod): void => {
    since.delete(keyOf(pod));
    options.running?.gone(keyOf(pod));
  };
  informer.addHandler({ add: enqueue, update: enqueue, delete: forget });
  const running = informer.start(signal);
  await runController({
    name: 'simulated-pods',
    queue,
    workers: options.workers ?? 32,
    signal,
    onError: (error, key) => options.onError(error, `pod ${key}`),
    reconcile: async (key) => {
      const pod = informer.lister.getByKey(key);
      const own = addresses.get(pod?.spec.nodeName ?? '');
      if (pod === undefined || own === undefined) return;
      const step = nextStep(pod, since.get(key)?.atMs ?? clock.now(), clock.now(), options.delays, own);
      if (step.action === 'wait') return { requeueAfterMs: step.ms };
      const startedMs = clock.now();
      await perform(client, key, pod, step);
      const deleted = pod.metadata.deletionTimestamp !== undefined;
      options.metrics?.kubelet.podWorked(deleted ? 'kill' : 'sync', (clock.now() - startedMs) / 1_000);
      if (step.action === 'status' && step.status.phase === 'Running' && pod.status?.phase !== 'Running')
        options.metrics?.kubelet.podStarted((clock.now() - (since.get(key)?.atMs ?? startedMs)) / 1_000);
    },
  });
  await running;
}

function queueOptions({ clock, metrics }: SimulatedNodesOptions, name: string): WorkQueueOptions {
  return metrics === undefined ? { clock } : { clock, metrics: metrics.workqueues.queue(name) };
}

async function perform(
  client: Client,
  key: string,
  pod: Pod,
  step: ReturnType<typeof nextStep>,
): Promise<void> {
  const { namespace, name } = splitKey(key);
  const pods = client.resource(resources.pods);
  try {
    if (step.action === 'remove') {
      const preconditions = pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid };
      await pods.delete(name, { namespace, gracePeriodSeconds: 0, preconditions });
    } else if (step.action === 'status') {
      // The uid makes the patch fail on a pod of the same name that came later.
      const patch = { metadata: { uid: pod.metadata.uid }, status: step.status };
      await pods.patch(name, patch, { namespace, subresource: 'status' });
    }
  } catch (error) {
    // Gone meanwhile, or replaced: the watch tells.
    if (!isNotFound(error)) throw error;
  }
}
