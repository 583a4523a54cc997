import { performance } from 'node:perf_hooks';
import { UserError } from '../../../apps/cli/src/ui/errors.js';
import { Http2Client } from '../http2/http2-client.js';
import { closedLoop, demand, makeNamespace, openClients } from '../measures/closed-loop.js';
import { waitFor } from '../processes.js';
import type { Target } from '../targets/target.js';
import { isReached } from './plan.js';
import { rolledOutProbe, type Preparation, type Scenario, type Wanted } from './scenarios/scenario.js';

const fillers = 16;
const readyTimeoutMs = 60_000;
let serial = 0;

/**
 * Runs `work` in a namespace of its own with what the scenario wants to stand there; everything is removed afterwards,
 * whatever became of it.
 */
export async function withNamespace<T>(
  target: Target,
  scenario: Scenario,
  wanted: Omit<Wanted, 'namespace'>,
  work: (namespace: string) => Promise<T>,
): Promise<T> {
  const namespace = await makeNamespace(target, `load-${process.pid}-${serial++}`);
  try {
    for (const preparation of scenario.prepare) await prepare(target, preparation, { ...wanted, namespace });
    return await work(namespace);
  } finally {
    const paths = [...(scenario.cleanup?.(namespace) ?? []), `/api/v1/namespaces/${namespace}`];
    for (const path of paths) await remove(target, path);
  }
}

async function prepare(target: Target, preparation: Preparation, wanted: Wanted): Promise<void> {
  const { namespace } = wanted;
  const count = preparation.count(wanted);
  const path = preparation.collection(namespace);
  const clients = openClients(target, Math.min(fillers, count));
  try {
    const made = await closedLoop(clients, { seconds: 600, maximum: count }, async (client, n) => {
      await demand(client, 'POST', path, 201, preparation.body(namespace, n));
    });
    if (made.errors > 0) throw new Error(`${made.errors} preparations failed, first: ${made.firstError}`);
    if (preparation.whenReady) await allReady(clients[0] as Http2Client, path);
  } finally {
    for (const client of clients) client.close();
  }
}

async function allReady(client: Http2Client, path: string): Promise<void> {
  const started = performance.now();
  try {
    await waitFor('readiness', readyTimeoutMs, async () => {
      const body = (await demand(client, 'GET', path, 200)).toString();
      const { items } = JSON.parse(body) as { readonly items: readonly object[] };
      return items.every((item) => isReached(rolledOutProbe, JSON.stringify(item)));
    });
  } catch (error) {
    if (performance.now() - started < readyTimeoutMs) throw error;
    throw new UserError(
      `the Deployments of this load were not ready within ${readyTimeoutMs / 1_000} s`,
      'it needs nodes with room for their pods: see `kubectl get nodes`',
    );
  }
}

/** By any server that answers: the load may have outlived one. What fails is said, and hides no result of the load. */
async function remove(target: Target, path: string): Promise<void> {
  const faults: string[] = [];
  for (const server of target.servers) {
    const client = new Http2Client(server, target.tls);
    try {
      const { status, body } = await client.request('DELETE', path, undefined, { timeoutMs: 30_000 });
      if (status < 300) return;
      faults.push(`${status} ${body.toString()}`);
    } catch (error) {
      faults.push((error as Error).message);
    } finally {
      client.close();
    }
  }
  process.stderr.write(`${path} stays: ${faults.join('; ')}\n`);
}
