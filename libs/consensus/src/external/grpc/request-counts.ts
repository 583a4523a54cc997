import { Histogram } from '../../metrics.js';
import type { HistogramSnapshot } from '../../metrics.js';

/** As kube-apiserver's etcd_request_duration_seconds. */
const bucketsSeconds = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

export interface RequestMetrics {
  /** `KV/Txn`, as in etcd's protocol. */
  readonly operation: string;
  readonly total: number;
  readonly errors: number;
  readonly seconds: HistogramSnapshot;
}

interface Counted {
  total: number;
  errors: number;
  readonly seconds: Histogram;
}

/** Calls by operation, and how long they took. */
export class RequestCounts {
  readonly #operations = new Map<string, Counted>();

  /** Returns what is called with the outcome. */
  begin(operation: string): (ok: boolean) => void {
    let counted = this.#operations.get(operation);
    if (counted === undefined) {
      counted = { total: 0, errors: 0, seconds: new Histogram(bucketsSeconds) };
      this.#operations.set(operation, counted);
    }
    const { seconds } = counted;
    const kept = counted;
    const startedMs = performance.now();
    return (ok) => {
      kept.total++;
      if (!ok) kept.errors++;
      seconds.observe((performance.now() - startedMs) / 1_000);
    };
  }

  snapshot(): readonly RequestMetrics[] {
    return [...this.#operations].map(([operation, { total, errors, seconds }]) => ({
      operation,
      total,
      errors,
      seconds: seconds.snapshot(),
    }));
  }
}
