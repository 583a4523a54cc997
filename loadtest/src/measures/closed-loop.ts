import { performance } from 'node:perf_hooks';
import { Http2Client } from '../http2/http2-client.js';
import { Latencies } from '../stats.js';
import type { Target } from '../targets/target.js';

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly done: number;
  readonly errors: number;
  /** The first error's words, for the person who reads the report. */
  readonly firstError: string | undefined;
}

/** N clients, each with a connection of its own, spread over the target's servers in turn. */
export function openClients(target: Target, count: number): Http2Client[] {
  return Array.from(
    { length: count },
    (_, i) => new Http2Client(target.servers[i % target.servers.length] ?? '', target.tls),
  );
}

/**
 * A closed loop: each client sends its next request when the last one was answered, for `seconds` or until `maximum`
 * requests were sent. Requests of the first `warmupSeconds` are sent and not counted. `work` performs the n-th request and throws when the answer is not the one that was wanted.
 */
export async function closedLoop(
  clients: readonly Http2Client[],
  limit: { readonly seconds: number; readonly maximum?: number; readonly warmupSeconds?: number },
  work: (client: Http2Client, n: number) => Promise<void>,
): Promise<LoadResult> {
  const latencies = new Latencies();
  const started = performance.now() + (limit.warmupSeconds ?? 0) * 1_000;
  const deadline = started + limit.seconds * 1_000;
  const maximum = limit.maximum ?? Number.MAX_SAFE_INTEGER;
  let sent = 0;
  let errors = 0;
  let firstError: string | undefined;
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < deadline && sent < maximum) {
        const from = performance.now();
        try {
          await work(client, sent++);
          if (from >= started) latencies.record(performance.now() - from);
        } catch (error) {
          errors++;
          firstError ??= (error as Error).message;
        }
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  return {
    perSecond: latencies.count / seconds,
    p50Ms: latencies.percentile(50),
    p99Ms: latencies.percentile(99),
    done: latencies.count,
    errors,
    firstError,
  };
}

/** Sends and demands a status; the error carries what the server said. */
export async function demand(
  client: Http2Client,
  method: string,
  path: string,
  status: number,
  body?: string,
  contentType?: string,
): Promise<Buffer> {
  const reply = await client.request(method, path, body, {
    timeoutMs: 30_000,
    ...(contentType === undefined ? {} : { contentType }),
  });
  if (reply.status !== status) {
    throw new Error(`${method} ${path}: ${reply.status} ${reply.body.toString('utf8', 0, 300)}`);
  }
  return reply.body;
}

/** A namespace whose default ServiceAccount exists, so that pods can be created in it. */
export async function makeNamespace(target: Target, name: string): Promise<string> {
  const client = new Http2Client(target.servers[0] ?? '', target.tls);
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  const account = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: name },
  };
  try {
    await demand(client, 'POST', '/api/v1/namespaces', 201, JSON.stringify(namespace));
    const path = `/api/v1/namespaces/${name}/serviceaccounts`;
    const reply = await client.request('POST', path, JSON.stringify(account));
    // A controller of the target may have been quicker.
    if (reply.status !== 201 && reply.status !== 409)
      throw new Error(`POST ${path}: ${reply.status} ${reply.body}`);
  } finally {
    client.close();
  }
  return name;
}
