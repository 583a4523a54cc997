import {
  createEventLoopMonitor,
  createKubeletMetrics,
  createProcessMetrics,
  createRegistry,
  createRestClientMetrics,
  createWorkqueueMetrics,
  type KubeletMetrics,
  type Registry,
  type RestClientMetrics,
  type WorkqueueMetrics,
} from '#libs/telemetry';
import type { RunningPods } from './simulated/running-pods.js';

export interface NodeMetrics {
  readonly registry: Registry;
  readonly kubelet: KubeletMetrics;
  readonly workqueues: WorkqueueMetrics;
  readonly requests: RestClientMetrics;
}

/** What one agent tells about itself and its nodes, on the kubelet's port. */
export function createNodeMetrics(
  version: string,
  nodes: readonly string[],
  running: RunningPods,
): NodeMetrics {
  const registry = createRegistry();
  createProcessMetrics('kubelet', {
    registry,
    build: { major: '1', minor: '36', gitVersion: `v1.36.0+trireme.${version}` },
    eventLoop: createEventLoopMonitor(),
  });
  return {
    registry,
    kubelet: createKubeletMetrics({ registry, nodes: () => nodes, running: () => running.counts() }),
    workqueues: createWorkqueueMetrics(registry),
    requests: createRestClientMetrics(registry),
  };
}
