import type { RequestDone } from '#libs/apiserver';
import { HistogramChild } from '#libs/telemetry';
import type { RequestCounts } from '../protocol.js';

/** A fifth more from bucket to bucket, from 0.1 ms to about a minute: what the page shows is at most that much too high. */
const latencyBucketsMs = Array.from({ length: 74 }, (_, i) => Number((0.1 * 1.2 ** i).toPrecision(4)));

const readVerbs = new Set(['GET', 'LIST', 'HEAD']);
/** They last as long as their client likes. */
const unmeasuredVerbs = new Set(['WATCH', 'CONNECT']);

class Kind {
  count = 0;
  errors = 0;
  readonly latencyMs = new HistogramChild(latencyBucketsMs);

  done({ code, seconds }: Pick<RequestDone, 'code' | 'seconds'>): void {
    this.count += 1;
    if (code >= 500) this.errors += 1;
    this.latencyMs.observe(seconds * 1_000);
  }

  snapshot(): RequestCounts {
    const { bounds, counts } = this.latencyMs;
    return { count: this.count, errors: this.errors, latencyMs: { bounds, counts: [...counts] } };
  }
}

/** Counts this master's requests for resources, finer in time than the buckets of Kubernetes' metrics allow. */
export class Traffic {
  readonly #reads = new Kind();
  readonly #writes = new Kind();

  /** A hook of the API server's: what controllers and scheduler ask in this process is not counted. */
  requestDone(done: RequestDone): void {
    if (done.inProcess || done.resource === '' || unmeasuredVerbs.has(done.verb)) return;
    (readVerbs.has(done.verb) ? this.#reads : this.#writes).done(done);
  }

  /** A write of the tour's: no resource, but a client's write through the log. */
  probeDone(seconds: number): void {
    this.#writes.done({ code: 200, seconds });
  }

  snapshot(): { readonly reads: RequestCounts; readonly writes: RequestCounts } {
    return { reads: this.#reads.snapshot(), writes: this.#writes.snapshot() };
  }
}
