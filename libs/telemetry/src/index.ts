/**
 * What a component tells about itself: metrics for Prometheus, log lines, and traces where they are asked for.
 *
 * Contract: one registry a component, under the names, labels and buckets that Kubernetes' and etcd's own dashboards
 * read; `trireme_` for what has no name there. Callers observe; nothing here measures anything but the process itself.
 * Handles are made once and kept, so that an observation is an addition; what is expensive is computed when scraped.
 * The number of label combinations of each metric is bounded.
 *
 *   const registry = createRegistry();
 *   createProcessMetrics('apiserver', { registry, build, eventLoop: createEventLoopMonitor() });
 *   const metrics = createApiserverMetrics({ registry });
 *   const pods = metrics.request({
 *     verb: 'LIST', group: '', version: 'v1', resource: 'pods', subresource: '', scope: 'namespace',
 *   });
 *   pods.observe(200, 0.003);
 *   response.end(await registry.metrics());
 *
 *   const logger = createLogger('apiserver');
 *   logger.warn({ remoteAddress }, 'a client certificate has expired');
 */
export { createLogger, logLevels, withoutSecrets } from './logger.js';
export type { LogLevel, Logger } from './logger.js';
export { startTracing } from './tracing/tracing.js';
export type { RequestFacts, Tracing, TracingOptions, WriteStations } from './tracing/tracing.js';
export { metricsHandler } from './metrics-handler.js';
export type { MetricsHandlerOptions, MetricsReader } from './metrics-handler.js';
export { createRegistry } from './registry.js';
export type { Registry } from './registry.js';
export { createApiserverMetrics } from './apiserver-metrics.js';
export type {
  ApiserverMetrics,
  ApiserverMetricsOptions,
  FlowLevel,
  RequestLabels,
  RequestOutcome,
  RequestRecorder,
} from './apiserver-metrics.js';
export { createEtcdMetrics } from './etcd-metrics.js';
export type { EtcdMetrics, EtcdMetricsSource, EtcdPeerSource } from './etcd-metrics.js';
export { createDroppedEventsMetric, createEventStoreMetrics } from './event-store-metrics.js';
export type { EventStoreSource } from './event-store-metrics.js';
export { createExternalStorageMetrics } from './external-storage-metrics.js';
export type { ExternalStorageSource } from './external-storage-metrics.js';
export { createWorkqueueMetrics } from './workqueue-metrics.js';
export type { QueueMetrics, WorkqueueMetrics } from './workqueue-metrics.js';
export { createLeaderElectionMetrics, createRestClientMetrics } from './client-metrics.js';
export type { RestClientMetrics } from './client-metrics.js';
export { createKubeletMetrics } from './kubelet-metrics.js';
export type { KubeletMetrics, KubeletMetricsOptions, PodOperation } from './kubelet-metrics.js';
export { createSchedulerMetrics } from './scheduler-metrics.js';
export type { SchedulerMetrics, SchedulingQueue, SchedulingResult } from './scheduler-metrics.js';
export { createFailoverMetrics } from './failover-metrics.js';
export type { FailoverMetrics } from './failover-metrics.js';
export { createEventLoopMonitor } from './event-loop.js';
export type { EventLoopMonitor } from './event-loop.js';
export { createProcessMetrics } from './process-metrics.js';
export type { BuildInfo, ProcessMetricsOptions } from './process-metrics.js';
export {
  createCounterFamily,
  createGaugeFamily,
  createHistogramFamily,
  HistogramChild,
  registerCollected,
} from './families.js';
export type { CounterChild, Family, FamilyOptions, GaugeChild, HistogramSnapshot } from './families.js';
