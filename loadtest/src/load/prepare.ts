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
/** A server has by then done what had reached it when the load ended. */
const stragglersMs = 1_000;
const looksAfterRemoval = 10;
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
    for (const path of scenario.cleanup?.(namespace) ?? []) await removeAll(target, path);
    await removeOne(target, `/api/v1/namespaces/${namespace}`);
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

/**
 * What is outside the namespace goes until none of it comes any more: a request that was under way when the load ended can
 * still make one after the others were removed.
 */
async function removeAll(target: Target, path: string): Promise<void> {
  for (let look = 0; look < looksAfterRemoval; look++) {
    if (!(await removeOne(target, path))) return;
    await new Promise((resolve) => setTimeout(resolve, stragglersMs));
    const left = await ofAny(target, 'GET', path);
    if (left !== undefined && (JSON.parse(left.toString()) as { items: unknown[] }).items.length === 0)
      return;
  }
  process.stderr.write(`${path}: some may stay, more were made while they were removed\n`);
}

/** Says what stays when it fails: that hides no result of the load. */
async function removeOne(target: Target, path: string): Promise<boolean> {
  return (await ofAny(target, 'DELETE', path)) !== undefined;
}

/** The answer of any server that has one: the load may have outlived some. Says what is wrong where there is none. */
async function ofAny(target: Target, method: 'GET' | 'DELETE', path: string): Promise<Buffer | undefined> {
  const faults: string[] = [];
  for (const server of target.servers) {
    const client = new Http2Client(server, target.tls);
    try {
      const { status, body } = await client.request(method, path, undefined, { timeoutMs: 30_000 });
      if (status < 300) return body;
      faults.push(`${status} ${body.toString()}`);
    } catch (error) {
      faults.push((error as Error).message);
    } finally {
      client.close();
    }
  }
  process.stderr.write(`${method} ${path}: ${faults.join('; ')}\n`);
  return undefined;
}
