import { expect } from 'vitest';
import { Api, type ApiList, type ApiObject, configMap } from './api.js';
import type { TestCluster } from './cluster.js';
import { eventually } from './cluster.js';

const path = '/api/v1/namespaces/default/configmaps';

/** What was acknowledged, and what stands in the store afterwards. */
export interface Verdict {
  readonly acknowledged: number;
  /** Creates that were answered 201 and are not there. */
  readonly lost: readonly string[];
  /** Increments that were acknowledged, at most those that stand, at most those that were tried. */
  readonly counters: readonly {
    readonly acknowledged: number;
    readonly stored: number;
    readonly tried: number;
  }[];
}

/**
 * Writers on connections of their own, each with a sequence of its own: every round creates an object with the next
 * number and raises a counter by compare-and-swap. A create or an increment whose answer is lost is not repeated
 * blindly: the writer reads what stands and goes on from there, as a careful client does.
 */
export class SequenceWriters {
  readonly #apis: Api[] = [];
  readonly #running: Promise<void>[] = [];
  readonly #acknowledged: string[] = [];
  readonly #counters: { acknowledged: number; tried: number }[] = [];
  #stopping = false;

  constructor(
    readonly cluster: TestCluster,
    readonly prefix: string,
    connections = 6,
  ) {
    for (let id = 0; id < connections; id += 1) {
      const api = Api.of(cluster, { connections: 1 });
      this.#apis.push(api);
      this.#counters.push({ acknowledged: 0, tried: 0 });
      this.#running.push(this.#run(api, id));
    }
  }

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** Waits for so many more acknowledged creates: the cluster takes writes. */
  async progress(more = 50, timeoutMs = 30_000): Promise<void> {
    const wanted = this.acknowledged + more;
    await eventually(`${more} more acknowledged writes`, async () => this.acknowledged >= wanted, timeoutMs);
  }

  /** Ends the writers and compares what they were told with what `server` (default: the balancer) holds. */
  async verdict(server?: string): Promise<Verdict> {
    this.#stopping = true;
    await Promise.all(this.#running);
    const reader = Api.of(this.cluster, server === undefined ? {} : { server });
    const list = await eventually('a linearizable list', async () => {
      const reply = await reader.call<ApiList>('GET', `${path}?labelSelector=writer%3D${this.prefix}`);
      return reply.status === 200 && reply.body.items;
    });
    for (const api of [reader, ...this.#apis]) api.close();
    const names = new Set(list.map(({ metadata }) => metadata.name));
    return {
      acknowledged: this.acknowledged,
      lost: this.#acknowledged.filter((name) => !names.has(name)),
      counters: this.#counters.map((counter, id) => ({
        ...counter,
        stored: Number(
          list.find(({ metadata }) => metadata.name === this.#counterName(id))?.data?.['n'] ?? 0,
        ),
      })),
    };
  }

  #counterName(id: number): string {
    return `${this.prefix}-counter-${id}`;
  }

  #object(name: string, n: number, resourceVersion?: string): object {
    const metadata = { name, labels: { writer: this.prefix }, ...(resourceVersion && { resourceVersion }) };
    return { ...configMap(name, { n: String(n) }), metadata };
  }

  async #run(api: Api, id: number): Promise<void> {
    const counter = this.#counters[id]!;
    for (let sequence = 0; !this.#stopping; sequence += 1) {
      const name = `${this.prefix}-${id}-${sequence}`;
      const created = await attempt(() =>
        api.call('POST', path, { body: this.#object(name, sequence), timeoutMs: 5_000 }),
      );
      if (created?.status === 201) this.#acknowledged.push(name);
      await this.#increment(api, this.#counterName(id), counter);
    }
  }

  /** Reads and raises by one; the version read makes sure that a repeat is refused. */
  async #increment(api: Api, name: string, counter: { acknowledged: number; tried: number }): Promise<void> {
    const read = await attempt(() => api.call<ApiObject>('GET', `${path}/${name}`, { timeoutMs: 5_000 }));
    if (read === undefined || (read.status !== 200 && read.status !== 404)) return;
    const exists = read.status === 200;
    const n = exists ? Number(read.body.data?.['n']) + 1 : 1;
    const body = this.#object(name, n, exists ? read.body.metadata.resourceVersion : undefined);
    counter.tried += 1;
    const written = await attempt(() =>
      api.call(exists ? 'PUT' : 'POST', exists ? `${path}/${name}` : path, { body, timeoutMs: 5_000 }),
    );
    if (written?.status === 200 || written?.status === 201) counter.acknowledged += 1;
  }
}

/** Undefined when the connection broke or no answer came: nothing is known of the write then. */
async function attempt<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch {
    return undefined;
  }
}

/** Fails where an acknowledged write is gone, or an increment was applied twice. */
export function expectNothingLost(verdict: Verdict): void {
  expect(verdict.acknowledged).toBeGreaterThan(50);
  expect(verdict.lost).toEqual([]);
  for (const { acknowledged, stored, tried } of verdict.counters) {
    expect(stored, 'acknowledged increments that are gone').toBeGreaterThanOrEqual(acknowledged);
    expect(stored, 'increments applied twice').toBeLessThanOrEqual(tried);
  }
}
