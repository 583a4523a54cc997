import { createCounterFamily, createGaugeFamily, createHistogramFamily } from './families.js';
import { createRegistry } from './registry.js';
import type { Registry } from './registry.js';

export interface RestClientMetrics {
  readonly registry: Registry;
  /** `code` is the HTTP status, or `<error>` where none came; `method` the HTTP verb; `host` host and port. */
  requestDone(request: {
    readonly method: string;
    readonly host: string;
    readonly code: number | '<error>';
    readonly seconds: number;
  }): void;
}

const buckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60] as const;

/** Requests that a component sends to an API server, named as client-go's. */
export function createRestClientMetrics(registry: Registry = createRegistry()): RestClientMetrics {
  const total = createCounterFamily({
    registry,
    name: 'rest_client_requests_total',
    help: 'Requests sent, by status code, method and host.',
    labelNames: ['code', 'method', 'host'],
    maxChildren: 500,
  });
  const duration = createHistogramFamily({
    registry,
    name: 'rest_client_request_duration_seconds',
    help: 'Time from sending a request to having its response.',
    labelNames: ['verb', 'host'],
    buckets,
    maxChildren: 200,
  });
  return {
    registry,
    requestDone({ method, host, code, seconds }) {
      total.child(String(code), method, host).increment();
      duration.child(method, host).observe(seconds);
    },
  };
}

/** leader_election_master_status{name}: set 1 on winning leadership, 0 on losing it. */
export function createLeaderElectionMetrics(registry: Registry): {
  setLeader(name: string, leads: boolean): void;
} {
  const status = createGaugeFamily({
    registry,
    name: 'leader_election_master_status',
    help: 'Whether this process leads for the lease of this name: 1 or 0.',
    labelNames: ['name'],
    maxChildren: 20,
  });
  return { setLeader: (name, leads) => status.child(name).set(leads ? 1 : 0) };
}
