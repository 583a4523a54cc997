import { Http2Client } from '../http2/http2-client.js';
import { demand } from '../measures/closed-loop.js';
import { waitFor } from '../processes.js';
import type { Target } from '../targets/target.js';

const replicas = 2;
const podsPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
    readonly spec: { readonly nodeName?: string };
  }[];
}

/** A Deployment whose pods are what the controllers and the scheduler are asked to replace. */
export async function makeDeployment(target: Target, namespace: string): Promise<void> {
  const client = new Http2Client(target.servers[0] ?? '', target.tls);
  const labels = { app: 'failover' };
  const spec = { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'example' }] };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'failover', namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
    },
  };
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  try {
    await demand(client, 'POST', path, 201, JSON.stringify(deployment));
    await waitFor('the first pods', 60_000, async () => (await bound(client, namespace)).length >= replicas);
  } finally {
    client.close();
  }
}

let turn = 0;

/**
 * Deletes a pod and waits until a new one is bound to a node: a controller has made it and the scheduler has placed it.
 * Asks one server after the other, call by call; rejects when one does not answer in time.
 */
export async function replacePods(
  target: Target,
  namespace: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const client = new Http2Client(target.servers[turn++ % target.servers.length] ?? '', target.tls);
  const cut = (): void => client.close();
  signal.addEventListener('abort', cut, { once: true });
  try {
    const before = new Set(await bound(client, namespace, timeoutMs));
    const [victim] = before;
    if (victim !== undefined) {
      const path = `${podsPath(namespace)}/${victim}?gracePeriodSeconds=0`;
      const { status } = await client.request('DELETE', path, undefined, { timeoutMs });
      if (status >= 500) throw new Error(`DELETE ${path}: ${status}`);
    }
    const deadline = performance.now() + timeoutMs;
    while (!(await bound(client, namespace, timeoutMs)).some((name) => !before.has(name))) {
      if (performance.now() > deadline) throw new Error('no pod was replaced in time');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } finally {
    signal.removeEventListener('abort', cut);
    client.close();
  }
}

/** Names of the pods that have a node, from the server's own memory: it hears of them as soon as anybody. */
async function bound(client: Http2Client, namespace: string, timeoutMs = 5_000): Promise<string[]> {
  const path = `${podsPath(namespace)}?resourceVersion=0`;
  const { status, body } = await client.request('GET', path, undefined, { timeoutMs });
  if (status !== 200) throw new Error(`GET ${path}: ${status}`);
  const { items } = JSON.parse(body.toString()) as PodList;
  return items.flatMap(({ metadata, spec }) => (spec.nodeName === undefined ? [] : [metadata.name]));
}
