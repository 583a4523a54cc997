/**
 * What a component tells about itself: metrics for Prometheus and log lines.
 *
 * Contract: one registry a component, under the names, labels and buckets that Kubernetes' and etcd's own dashboards
 * read; `trireme_` for what has no name there. Callers observe; nothing here measures anything but the process itself.
 * Handles are made once and kept, so that an observation is an addition; what is expensive is computed when scraped.
 * The number of label combinations of each metric is bounded.
 *
 *   const registry = createRegistry();
 *   const process = createProcessMetrics(registry, { component: 'apiserver', build });
 *   const metrics = createApiserverMetrics(registry);
 *   const pods = metrics.request({ verb: 'LIST', group: '', version: 'v1', resource: 'pods', scope: 'namespace' });
 *   pods.observe(200, 0.003);
 *   response.end(await registry.metrics());
 *
 *   const logger = createLogger('apiserver');
 *   logger.warn({ remoteAddress }, 'a client certificate has expired');
 */
export { createLogger, logLevels, withoutSecrets } from './logger.js';
export type { LogLevel, Logger } from './logger.js';
