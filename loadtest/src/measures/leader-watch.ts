import { performance } from 'node:perf_hooks';
import { Http2Client } from '../http2/http2-client.js';
import type { Mark } from '../report/schema.js';
import type { Target } from '../targets/target.js';

const timeoutMs = 500;

interface ReplicaStatus {
  readonly name: string;
  readonly role: string;
  readonly term: number;
}

/**
 * Looks who leads, again and again, and tells each change as a mark of the timeline that began at `startMs`
 * (performance.now()). Another API server than Trireme's tells nothing of this: then there are no marks.
 */
export class LeaderWatch {
  readonly #onChange: (mark: Mark) => void;
  readonly #clients: readonly Http2Client[];
  readonly #startMs: number;
  readonly #intervalMs: number;
  readonly #stop = new AbortController();
  #term = 0;

  constructor(
    target: Pick<Target, 'servers' | 'tls'>,
    startMs: number,
    intervalMs: number,
    onChange: (mark: Mark) => void,
  ) {
    this.#onChange = onChange;
    this.#clients = target.servers.map((server) => new Http2Client(server, target.tls));
    this.#startMs = startMs;
    this.#intervalMs = intervalMs;
    for (const client of this.#clients) void this.#follow(client);
  }

  stop(): void {
    this.#stop.abort();
    for (const client of this.#clients) client.close();
  }

  async #follow(client: Http2Client): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const { status, body } = await client.request('GET', '/trireme/v1/status', undefined, { timeoutMs });
        if (status === 404) return;
        if (status === 200) this.#take(JSON.parse(body.toString()) as ReplicaStatus);
      } catch {
        // Dead, paused or cut off: it does not lead, or nobody can see that it does.
      }
      await new Promise((resolve) => setTimeout(resolve, this.#intervalMs));
    }
  }

  #take({ name, role, term }: ReplicaStatus): void {
    if (role !== 'leader' || term <= this.#term || this.#stop.signal.aborted) return;
    this.#term = term;
    const at = Math.max(0, (performance.now() - this.#startMs) / 1_000);
    this.#onChange({ at, kind: 'leader', label: `${name}, term ${term}` });
  }
}
