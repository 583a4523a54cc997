import { performance } from 'node:perf_hooks';
import { Http2Client } from '../http2/http2-client.js';
import { Latencies } from '../stats.js';
import type { Target } from '../targets/target.js';
import { closedLoop, demand, makeNamespace, openClients } from './closed-loop.js';

export interface WatchResult {
  readonly watchers: number;
  readonly eventsPerSecond: number;
  /** Write sent → event at a watcher. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly received: number;
  readonly expected: number;
  /** Watchers that the server ended before the time. */
  readonly cut: number;
}

let serial = 0;

/**
 * `watchers` watch one namespace over 20 connections while `writes` ConfigMaps are written at `perSecond`. Each carries
 * the time it was sent at, in this process's clock, and each watcher reads it back.
 */
export async function measureWatch(
  target: Target,
  options: {
    readonly watchers: number;
    readonly writes: number;
    /** A set rate, or as fast as 32 clients are answered. */
    readonly perSecond: number | 'as fast as possible';
  },
): Promise<WatchResult> {
  const namespace = await makeNamespace(target, `load-watch-${process.pid}-${serial++}`);
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const connections = openClients(target, 20);
  const latencies = new Latencies();
  const expected = options.watchers * options.writes;
  let received = 0;
  let ended = 0;
  let stopping = false;
  let finish: () => void = () => {};
  const all = new Promise<void>((resolve) => (finish = resolve));
  const onEvent = (sentAtMs: number): void => {
    latencies.record(performance.now() - sentAtMs);
    if (++received === expected) finish();
  };
  await Promise.all(
    Array.from({ length: options.watchers }, async (_, i) =>
      openWatch(connections[i % connections.length] as Http2Client, `${path}?watch=true`, onEvent, () => {
        if (!stopping) ended++;
      }),
    ),
  );
  const started = performance.now();
  const [writer] = openClients(target, 1) as [Http2Client];
  const write = async (client: Http2Client, n: number): Promise<unknown> =>
    demand(client, 'POST', path, 201, configMap(`c-${n}`, namespace));
  if (options.perSecond === 'as fast as possible') await flood(target, options.writes, write);
  else await paced(options.writes, options.perSecond, async (n) => write(writer, n));
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 10_000).unref())]);
  const seconds = (performance.now() - started) / 1_000;
  stopping = true;
  for (const client of [...connections, writer]) client.close();
  return {
    watchers: options.watchers,
    eventsPerSecond: received / seconds,
    p50Ms: latencies.percentile(50),
    p99Ms: latencies.percentile(99),
    received,
    expected,
    cut: ended,
  };
}

async function paced(
  writes: number,
  perSecond: number,
  write: (n: number) => Promise<unknown>,
): Promise<void> {
  const started = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let n = 0; n < writes; n++) {
    const early = started + (n * 1_000) / perSecond - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    sent.push(write(n));
  }
  await Promise.all(sent);
}

async function flood(
  target: Target,
  writes: number,
  write: (client: Http2Client, n: number) => Promise<unknown>,
): Promise<void> {
  const clients = openClients(target, 32);
  try {
    const made = await closedLoop(clients, { seconds: 120, maximum: writes }, async (client, n) => {
      await write(client, n);
    });
    if (made.errors > 0) throw new Error(`${made.errors} writes failed, first: ${made.firstError}`);
  } finally {
    for (const client of clients) client.close();
  }
}

function configMap(name: string, namespace: string): string {
  const data = { sentAt: performance.now().toFixed(3), filler: 'z'.repeat(256) };
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
}

const marker = '"sentAt":"';

/** Resolves once the server has sent something or 300 ms have passed in silence: the watch is then registered. */
async function openWatch(
  client: Http2Client,
  path: string,
  onEvent: (sentAtMs: number) => void,
  onEnd: () => void,
): Promise<void> {
  let rest = '';
  const onChunk = (chunk: Buffer): void => {
    const text = rest + chunk.toString('latin1');
    const lines = text.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const at = line.indexOf(marker);
      if (at !== -1) onEvent(Number.parseFloat(line.slice(at + marker.length, at + marker.length + 20)));
    }
  };
  client.request('GET', path, undefined, { onChunk }).then(onEnd, onEnd);
  await new Promise((resolve) => setTimeout(resolve, 300));
}
