import { Registry } from 'prom-client';

export type { Registry } from 'prom-client';

/** An empty registry in Prometheus' text format: `await registry.metrics()`, `registry.contentType`. One a component. */
export function createRegistry(): Registry {
  return new Registry();
}
