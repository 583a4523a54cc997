import { performance } from 'node:perf_hooks';
import { Http2Client } from '../http2/http2-client.js';
import type { TriremeTarget } from '../targets/trireme.js';
import { waitFor } from '../processes.js';
import { demand, makeNamespace } from './closed-loop.js';

export interface FailoverReport {
  /** kill -9 → the next write that any writer got acknowledged. */
  readonly gapsMs: readonly number[];
  /** kill -9 → the next pod that a Deployment's controller made and the scheduler bound. */
  readonly controllerGapsMs: readonly number[];
  readonly acknowledged: number;
  readonly lost: number;
  readonly doubled: number;
}

export interface FailoverOptions {
  readonly rounds: number;
  readonly writers: number;
  readonly onRound: (round: number, gapMs: number) => void;
}

interface Acknowledgement {
  readonly sentAtMs: number;
  readonly atMs: number;
}

/**
 * Each writer creates ConfigMaps with names that count up, straight at the masters, moving on to the next master when
 * one fails it. A name that was acknowledged must exist at the end, and exactly once in the watch's history.
 */
export async function runFailover(target: TriremeTarget, options: FailoverOptions): Promise<FailoverReport> {
  const namespace = await makeNamespace(target, `failover-${process.pid}`);
  const acknowledged = new Map<string, Acknowledgement>();
  const seen = new Map<string, number>();
  const stop = new AbortController();
  const watch = watchCreations(target, namespace, seen, stop.signal);
  const writers = Array.from({ length: options.writers }, async (_, w) =>
    write(target, namespace, w, acknowledged, stop.signal),
  );
  await makeDeployment(target, namespace);
  const gapsMs: number[] = [];
  const controllerGapsMs: number[] = [];
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const { gapMs, controllerGapMs } = await killLeader(target, namespace, acknowledged);
      gapsMs.push(gapMs);
      controllerGapsMs.push(controllerGapMs);
      options.onRound(round, gapMs);
      await waitFor('every master ready again', 60_000, async () => {
        const status = await target.status().catch(() => undefined);
        return status?.members.every((member) => member.healthy) === true;
      });
    }
  } finally {
    stop.abort();
    await Promise.all(writers);
  }
  await watch;
  const stored = await listNames(target, namespace);
  return {
    gapsMs,
    controllerGapsMs,
    acknowledged: acknowledged.size,
    lost: [...acknowledged.keys()].filter((name) => !stored.has(name)).length,
    doubled: [...seen.values()].filter((times) => times > 1).length,
  };
}

async function killLeader(
  target: TriremeTarget,
  namespace: string,
  acknowledged: ReadonlyMap<string, Acknowledgement>,
): Promise<{ gapMs: number; controllerGapMs: number }> {
  const status = await target.status();
  const leader = status.members.find((member) => member.name === status.leader);
  if (leader?.pid === undefined) throw new Error('no leader to kill');
  const survivor = status.members.find((member) => member.name !== status.leader);
  const before = acknowledged.size;
  const killedAt = performance.now();
  process.kill(leader.pid, 'SIGKILL');
  const client = new Http2Client(survivor?.apiServer ?? '', target.tls);
  try {
    const controller = nextBoundPod(client, namespace, killedAt);
    const gapMs = await nextAcknowledgement(acknowledged, before, killedAt);
    return { gapMs, controllerGapMs: await controller };
  } finally {
    client.close();
  }
}

/** The first acknowledgement of a write that was sent after the kill. */
async function nextAcknowledgement(
  acknowledged: ReadonlyMap<string, Acknowledgement>,
  before: number,
  killedAt: number,
): Promise<number> {
  let gap: number | undefined;
  await waitFor('an acknowledged write after the kill', 60_000, async () => {
    if (acknowledged.size <= before) return false;
    const later = [...acknowledged.values()].slice(before).filter(({ sentAtMs }) => sentAtMs >= killedAt);
    if (later.length === 0) return false;
    gap = Math.min(...later.map(({ atMs }) => atMs)) - killedAt;
    return true;
  });
  return gap ?? 0;
}

/** Deletes the Deployment's pods and waits until a new one is bound: the controllers and the scheduler are at work. */
async function nextBoundPod(client: Http2Client, namespace: string, killedAt: number): Promise<number> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const before = await names(client, path);
  await waitFor('deletion of the pods', 60_000, async () => {
    try {
      await demand(client, 'DELETE', `${path}?gracePeriodSeconds=0`, 200);
      return true;
    } catch {
      // No leader yet: this is what is being measured.
      return false;
    }
  });
  await waitFor('a newly bound pod', 60_000, async () => {
    const pods = await bound(client, path).catch(() => []);
    return pods.some((name) => !before.has(name));
  });
  return performance.now() - killedAt;
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly nodeName?: string };
  }[];
}

async function names(client: Http2Client, path: string): Promise<Set<string>> {
  const list = JSON.parse(
    (await demand(client, 'GET', `${path}?resourceVersion=0`, 200)).toString(),
  ) as PodList;
  return new Set(list.items.map((pod) => pod.metadata.name));
}

async function bound(client: Http2Client, path: string): Promise<string[]> {
  const list = JSON.parse(
    (await demand(client, 'GET', `${path}?resourceVersion=0`, 200)).toString(),
  ) as PodList;
  return list.items.flatMap((pod) => (pod.spec.nodeName === undefined ? [] : [pod.metadata.name]));
}

async function makeDeployment(target: TriremeTarget, namespace: string): Promise<void> {
  const client = new Http2Client(target.servers[0] ?? '', target.tls);
  const labels = { app: 'failover' };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'failover', namespace },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'example' }] } },
    },
  };
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  try {
    await demand(client, 'POST', path, 201, JSON.stringify(deployment));
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    await waitFor('the first pods', 30_000, async () => (await bound(client, pods)).length === 3);
  } finally {
    client.close();
  }
}

async function write(
  target: TriremeTarget,
  namespace: string,
  writer: number,
  acknowledged: Map<string, Acknowledgement>,
  signal: AbortSignal,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  let server = writer;
  let client = new Http2Client(target.servers[server % target.servers.length] ?? '', target.tls);
  for (let n = 0; !signal.aborted; n++) {
    const name = `w${writer}-${n}`;
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data: { n: String(n) },
    });
    const sentAtMs = performance.now();
    try {
      await demand(client, 'POST', path, 201, body);
      acknowledged.set(name, { sentAtMs, atMs: performance.now() });
    } catch {
      // Not acknowledged: it may or may not have taken effect. The next number goes to the next master.
      client.close();
      client = new Http2Client(target.servers[++server % target.servers.length] ?? '', target.tls);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  client.close();
}

/** Counts how often each ConfigMap was created, over a watch that resumes on the next master when one dies. */
async function watchCreations(
  target: TriremeTarget,
  namespace: string,
  seen: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  let resourceVersion = '0';
  for (let server = 0; !signal.aborted; server++) {
    const client = new Http2Client(target.servers[server % target.servers.length] ?? '', target.tls);
    const close = (): void => client.close();
    signal.addEventListener('abort', close, { once: true });
    let rest = '';
    const onChunk = (chunk: Buffer): void => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event = JSON.parse(line) as {
          type: string;
          object: { metadata: { name: string; resourceVersion: string } };
        };
        resourceVersion = event.object.metadata.resourceVersion;
        const { name } = event.object.metadata;
        if (event.type === 'ADDED') seen.set(name, (seen.get(name) ?? 0) + 1);
      }
    };
    const query = `?watch=true&resourceVersion=${resourceVersion}`;
    // The master died or was cut off: the watch goes on elsewhere from where it was.
    await client
      .request('GET', `/api/v1/namespaces/${namespace}/configmaps${query}`, undefined, { onChunk })
      .catch(() => undefined);
    signal.removeEventListener('abort', close);
    client.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function listNames(target: TriremeTarget, namespace: string): Promise<Set<string>> {
  const client = new Http2Client(target.servers[0] ?? '', target.tls);
  try {
    const body = await demand(client, 'GET', `/api/v1/namespaces/${namespace}/configmaps`, 200);
    const list = JSON.parse(body.toString()) as PodList;
    return new Set(list.items.map((item) => item.metadata.name));
  } finally {
    client.close();
  }
}
