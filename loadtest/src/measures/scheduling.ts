import { performance } from 'node:perf_hooks';
import { podBody } from '../pod.js';
import { waitFor } from '../processes.js';
import type { Http2Client } from '../http2/http2-client.js';
import type { Target } from '../targets/target.js';
import { closedLoop, demand, makeNamespace, openClients } from './closed-loop.js';

export interface SchedulingResult {
  readonly podsPerSecond: number;
  readonly pods: number;
  readonly seconds: number;
}

/** Waits until this many nodes are there and have sent their first heartbeat. */
export async function waitForNodes(target: Target, nodes: number): Promise<void> {
  const [client] = openClients(target, 1);
  if (client === undefined) throw new Error('no client');
  const countOf = async (path: string): Promise<number> => {
    const body = (await demand(client, 'GET', `${path}?limit=1`, 200)).toString();
    const list = JSON.parse(body) as { items: unknown[]; metadata: { remainingItemCount?: number } };
    return list.items.length + (list.metadata.remainingItemCount ?? 0);
  };
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  try {
    await waitFor(`registration of ${nodes} nodes`, 120_000, async () => {
      const counts = await Promise.all([countOf('/api/v1/nodes'), countOf(leases)]);
      return Math.min(...counts) >= nodes;
    });
  } finally {
    client.close();
  }
}

let serial = 0;

/** Creates `pods` pods with 32 clients and waits until a watcher has seen each of them bound to a node. */
export async function measureScheduling(
  target: Target,
  pods: number,
  timeoutSeconds = 180,
): Promise<SchedulingResult> {
  const namespace = await makeNamespace(target, `load-schedule-${process.pid}-${serial++}`);
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const [watcher] = openClients(target, 1);
  if (watcher === undefined) throw new Error('no client');
  const watch = watchBindings(watcher, path, pods);
  const open = openClients(target, 32);
  const started = performance.now();
  const created = await closedLoop(open, { seconds: timeoutSeconds, maximum: pods }, async (client, n) => {
    await demand(
      client,
      'POST',
      path,
      201,
      podBody(`pod-${n}`, namespace, { schedulerName: 'default-scheduler' }),
    );
  });
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`only ${watch.bound()} of ${pods} pods were bound within ${timeoutSeconds} s`)),
      timeoutSeconds * 1_000,
    );
  });
  try {
    if (created.errors > 0) throw new Error(`${created.errors} creates failed, first: ${created.firstError}`);
    await Promise.race([watch.all, timeout]);
  } finally {
    clearTimeout(timer);
    watch.stop();
    for (const client of [...open, watcher]) client.close();
  }
  const seconds = (performance.now() - started) / 1_000;
  return { podsPerSecond: pods / seconds, pods, seconds };
}

interface BindingWatch {
  /** Settles once as many pods as were asked for have a node. */
  readonly all: Promise<void>;
  readonly bound: () => number;
  readonly stop: () => void;
}

/** Follows the pods until they are bound. A server that cuts a watcher for slowness is asked to go on from where it was. */
function watchBindings(client: Http2Client, path: string, pods: number): BindingWatch {
  const bound = new Set<string>();
  let finish: () => void = () => {};
  const all = new Promise<void>((resolve) => (finish = resolve));
  const stopper = new AbortController();
  let from = '';
  let rest = '';
  const onChunk = (chunk: Buffer): void => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      from = /"resourceVersion":"(\d+)"/.exec(line)?.[1] ?? from;
      if (!line.includes('"nodeName":"')) continue;
      const name = /"name":"(pod-\d+)"/.exec(line)?.[1];
      if (name !== undefined) bound.add(name);
    }
    if (bound.size === pods) finish();
  };
  const follow = async (): Promise<void> => {
    while (!stopper.signal.aborted) {
      rest = '';
      const since = from === '' ? '' : `&resourceVersion=${from}`;
      const { status } = await client.request('GET', `${path}?watch=true${since}`, undefined, { onChunk });
      if (status !== 200) throw new Error(`the watch was answered with ${status}`);
    }
  };
  const failed = follow().catch((error: unknown) => {
    if (!stopper.signal.aborted) throw error;
  });
  return {
    all: Promise.race([all, failed]),
    bound: () => bound.size,
    stop: () => {
      stopper.abort();
      finish();
    },
  };
}
