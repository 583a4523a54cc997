import { createHistogramFamily, registerCollected } from './families.js';
import { createRegistry } from './registry.js';
import type { Registry } from './registry.js';

export type PodOperation = 'sync' | 'kill';

export interface KubeletMetrics {
  readonly registry: Registry;
  /** Seconds from first seeing a pod on its node to having it run. */
  podStarted(seconds: number): void;
  /** Seconds of one turn of work on a pod. */
  podWorked(operation: PodOperation, seconds: number): void;
}

export interface KubeletMetricsOptions {
  readonly registry?: Registry;
  readonly nodes: () => Iterable<string>;
  /** Of all nodes; taken at each scrape. */
  readonly running: () => { readonly pods: number; readonly containers: number };
}

const startBuckets = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700,
  3600,
] as const;
const workBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** As many as one agent may stand for. */
const maxNodes = 10_000;

/**
 * The kubelet's metrics, named as kubelet's (k8s.io/kubernetes/pkg/kubelet/metrics), for an agent that stands for one
 * node or for many. What has no meaning without a container runtime (PLEG, runtime operations, volumes) is not here.
 */
export function createKubeletMetrics(options: KubeletMetricsOptions): KubeletMetrics {
  const registry = options.registry ?? createRegistry();
  registerCollected(
    { registry, name: 'kubelet_node_name', help: 'The nodes of this agent: always 1.' },
    'gauge',
    () => [...options.nodes()].slice(0, maxNodes).map((node) => ({ labels: { node }, value: 1 })),
  );
  registerCollected({ registry, name: 'kubelet_running_pods', help: 'Pods that run now.' }, 'gauge', () => [
    { labels: {}, value: options.running().pods },
  ]);
  registerCollected(
    { registry, name: 'kubelet_running_containers', help: 'Containers by state.' },
    'gauge',
    () => [{ labels: { container_state: 'running' }, value: options.running().containers }],
  );
  const starts = createHistogramFamily({
    registry,
    name: 'kubelet_pod_start_duration_seconds',
    help: 'Time from first seeing a pod to having it run.',
    buckets: startBuckets,
  }).child();
  const works = createHistogramFamily({
    registry,
    name: 'kubelet_pod_worker_duration_seconds',
    help: 'Time of one turn of work on a pod.',
    labelNames: ['operation_type'],
    buckets: workBuckets,
  });
  return {
    registry,
    podStarted: (seconds) => starts.observe(seconds),
    podWorked: (operation, seconds) => works.child(operation).observe(seconds),
  };
}
