import { podBody } from '../pod.js';
import type { Target } from '../targets/target.js';
import { closedLoop, demand, type LoadResult, makeNamespace, openClients } from './closed-loop.js';

/** Both sides start cold: compilers, caches and connections settle first. */
const warmupSeconds = 4;

let serial = 0;
const fresh = (what: string): string => `load-${what}-${process.pid}-${serial++}`;

export async function measureCreate(target: Target, clients: number, seconds: number): Promise<LoadResult> {
  const namespace = await makeNamespace(target, fresh('create'));
  const open = openClients(target, clients);
  const path = `/api/v1/namespaces/${namespace}/pods`;
  try {
    return await closedLoop(open, { seconds, warmupSeconds }, async (client, n) => {
      await demand(client, 'POST', path, 201, podBody(`pod-${n}`, namespace));
    });
  } finally {
    for (const client of open) client.close();
  }
}

/** Creates `count` pods in a namespace of their own and returns its name. */
export async function fillPods(target: Target, count: number): Promise<string> {
  const namespace = await makeNamespace(target, fresh('fill'));
  const open = openClients(target, 32);
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const filled = await closedLoop(open, { seconds: 600, maximum: count }, async (client, n) => {
    await demand(client, 'POST', path, 201, podBody(`pod-${n}`, namespace));
  });
  for (const client of open) client.close();
  if (filled.errors > 0)
    throw new Error(`filling ${namespace}: ${filled.errors} errors, first: ${filled.firstError}`);
  return namespace;
}

/** GETs of random pods out of `count`; `quorum` reads are linearizable, others may come from any replica's memory. */
export async function measureGet(
  target: Target,
  namespace: string,
  count: number,
  options: { readonly clients: number; readonly seconds: number; readonly quorum: boolean },
): Promise<LoadResult> {
  const open = openClients(target, options.clients);
  const query = options.quorum ? '' : '?resourceVersion=0';
  try {
    return await closedLoop(open, { seconds: options.seconds, warmupSeconds }, async (client, n) => {
      const name = `pod-${(n * 7919) % count}`;
      await demand(client, 'GET', `/api/v1/namespaces/${namespace}/pods/${name}${query}`, 200);
    });
  } finally {
    for (const client of open) client.close();
  }
}

/** Merge patches of random pods out of `count`, or deletions of pods that are made for it beforehand. */
export async function measureChange(
  target: Target,
  change: 'patch' | 'delete',
  options: { readonly clients: number; readonly seconds: number; readonly pods: number },
): Promise<LoadResult> {
  const { clients, seconds, pods } = options;
  const namespace = await fillPods(target, pods);
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const open = openClients(target, clients);
  try {
    if (change === 'delete') {
      return await closedLoop(open, { seconds, maximum: pods }, async (client, n) => {
        await demand(client, 'DELETE', `${path}/pod-${n}`, 200);
      });
    }
    return await closedLoop(open, { seconds, warmupSeconds }, async (client, n) => {
      const annotations = { 'load.trireme.dev/turn': String(n) };
      const body = JSON.stringify({ metadata: { annotations } });
      const pod = `${path}/pod-${(n * 7919) % pods}`;
      await demand(client, 'PATCH', pod, 200, body, 'application/merge-patch+json');
    });
  } finally {
    for (const client of open) client.close();
  }
}

/** Milliseconds of whole lists and of pages, one client, which counts the bytes and keeps none of them. */
export async function measureList(
  target: Target,
  namespace: string,
  options: { readonly limit: number | undefined; readonly times: number },
): Promise<LoadResult & { readonly bytes: number }> {
  const [client] = openClients(target, 1);
  if (client === undefined) throw new Error('no client');
  const query = options.limit === undefined ? '?resourceVersion=0' : `?limit=${options.limit}`;
  let bytes = 0;
  try {
    const path = `/api/v1/namespaces/${namespace}/pods${query}`;
    const result = await closedLoop([client], { seconds: 300, maximum: options.times }, async () => {
      let received = 0;
      const onChunk = (chunk: Buffer): void => void (received += chunk.length);
      const { status } = await client.request('GET', path, undefined, { onChunk });
      if (status !== 200) throw new Error(`GET ${path}: ${status}`);
      bytes = received;
    });
    return { ...result, bytes };
  } finally {
    client.close();
  }
}
