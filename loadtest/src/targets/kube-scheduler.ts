import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeconfig } from '#libs/pki';
import { closedLoop, demand, openClients } from '../measures/closed-loop.js';
import { findProgram, startProgram, stopProgram } from '../processes.js';
import { type KubeApiserverTarget, startKubeApiserver } from './kube-apiserver.js';
import type { Target } from './target.js';

/** How many requests a second its client may send: the default of 50 would be all that is measured. */
const clientRequestsPerSecond = 10_000;

/**
 * Three kube-apiservers on three etcd, and one kube-scheduler of the PATH with its client's limits lifted, over bare
 * ready nodes as a scheduler's own benchmark has them: nobody heartbeats, nobody evicts.
 */
export async function startKubeScheduler(nodes: number): Promise<Target> {
  const apiserver = await startKubeApiserver();
  const directory = mkdtempSync(join(tmpdir(), 'trireme-peer-scheduler-'));
  const config = writeConfiguration(directory, apiserver);
  await makeNodes(apiserver, nodes);
  const scheduler = startProgram(
    findProgram('kube-scheduler') ?? 'kube-scheduler',
    [`--config=${config}`, '--secure-port=0'],
    join(directory, 'scheduler.log'),
  );
  return {
    ...apiserver,
    name: 'kube-scheduler',
    pids: async () => [...(await apiserver.pids()), ...(scheduler.pid === undefined ? [] : [scheduler.pid])],
    stop: async () => {
      await stopProgram(scheduler);
      await apiserver.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function writeConfiguration(directory: string, { servers, identities }: KubeApiserverTarget): string {
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const access = kubeconfig({
    name: 'scheduler',
    server: servers[0] ?? '',
    caPem: identities.ca.certificate,
    certPem: identities.scheduler.certificate,
    keyPem: identities.scheduler.privateKey,
  });
  // JSON is YAML.
  const configuration = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    clientConnection: {
      kubeconfig: write('scheduler.kubeconfig', access),
      qps: clientRequestsPerSecond,
      burst: clientRequestsPerSecond,
    },
  };
  return write('scheduler.json', JSON.stringify(configuration));
}

/** Creates ready nodes. Admission taints a new node until a controller finds it ready: none runs here, so it is cleared. */
async function makeNodes(target: Target, count: number): Promise<void> {
  const clients = openClients(target, 16);
  try {
    const made = await closedLoop(clients, { seconds: 120, maximum: count }, async (client, n) => {
      const node = nodeBody(`node-${n}`);
      await demand(client, 'POST', '/api/v1/nodes', 201, JSON.stringify(node));
      const path = `/api/v1/nodes/${node.metadata.name}`;
      const merge = 'application/merge-patch+json';
      await demand(client, 'PATCH', `${path}/status`, 200, JSON.stringify({ status: node.status }), merge);
      await demand(client, 'PATCH', path, 200, JSON.stringify({ spec: { taints: null } }), merge);
    });
    if (made.done < count) {
      throw new Error(`only ${made.done} of ${count} nodes were made: ${made.firstError ?? 'too slow'}`);
    }
  } finally {
    for (const client of clients) client.close();
  }
}

function nodeBody(name: string) {
  const capacity = { cpu: '32', memory: '128Gi', pods: '110' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
    status: {
      capacity,
      allocatable: capacity,
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready' }],
    },
  };
}
