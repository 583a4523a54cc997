import { fileURLToPath } from 'node:url';
import { measureScheduling, waitForNodes } from '../measures/scheduling.js';
import { closedLoop, demand, makeNamespace, openClients } from '../measures/closed-loop.js';
import { podBody } from '../pod.js';
import { runProgram } from '../processes.js';
import { startKubeScheduler } from '../targets/kube-scheduler.js';
import type { Target } from '../targets/target.js';
import { startTrireme } from '../targets/trireme.js';
import type { BenchContext, RowGroup } from './context.js';

const nodes = 1_000;
const pods = 5_000;
const warmupPods = 2_000;
const hopelessPods = 8_000;
const plainRow = 'pods created and bound, 1,000 nodes';
const besideRow = 'pods created and bound beside 8,000 unschedulable pods';
const shareRow = 'the same beside 8,000 unschedulable pods: share of the rate';

async function measure(name: string, target: Target, { record, define }: BenchContext): Promise<void> {
  // Both sides settle before they are measured.
  await measureScheduling(target, warmupPods);
  const alone = await measureScheduling(target, pods);
  record(name, plainRow, alone.podsPerSecond);
  await makeHopelessPods(target);
  const beside = await measureScheduling(target, pods);
  define({ row: besideRow, unit: 'pods/s', better: 'higher' });
  record(name, besideRow, beside.podsPerSecond);
  record(name, shareRow, (beside.podsPerSecond / alone.podsPerSecond) * 100);
}

/** Pods that no node can take: the queue must not try them over and over at the cost of the others. */
async function makeHopelessPods(target: Target): Promise<void> {
  const namespace = await makeNamespace(target, `hopeless-${process.pid}-${Date.now()}`);
  const clients = openClients(target, 32);
  const path = `/api/v1/namespaces/${namespace}/pods`;
  try {
    const made = await closedLoop(clients, { seconds: 300, maximum: hopelessPods }, async (client, n) => {
      const pod = JSON.parse(podBody(`pod-${n}`, namespace, { schedulerName: 'default-scheduler' })) as {
        spec: object;
      };
      const body = JSON.stringify({ ...pod, spec: { ...pod.spec, nodeSelector: { no: 'such-node' } } });
      await demand(client, 'POST', path, 201, body);
    });
    if (made.errors > 0) throw new Error(`${made.errors} creates failed, first: ${made.firstError}`);
  } finally {
    for (const client of clients) client.close();
  }
}

export const schedulingRows: RowGroup = {
  name: 'schedule',
  summary: 'create and bind end to end, alone and beside unschedulable pods',
  run: async (context) => {
    // Nodes that heartbeat and start no pod meanwhile, as the bare nodes of a scheduler's own benchmark.
    const trireme = await startTrireme({ nodes, args: ['--pod-start-delay', '30m'] });
    try {
      await waitForNodes(trireme, nodes);
      await measure('trireme', trireme, context);
    } finally {
      await trireme.stop();
    }
    if (!context.has('kube-apiserver', 'scheduling') || !context.has('kube-scheduler', 'scheduling')) return;
    const peer = await startKubeScheduler(nodes);
    try {
      await measure('kube-scheduler', peer, context);
    } finally {
      await peer.stop();
    }
  },
};

const kinds = ['plain', 'node affinity', 'pod anti-affinity', 'pod affinity'] as const;

/** The scheduler over an API in memory, at three sizes; held against the limits of kube-scheduler's own benchmark. */
export const schedulerAloneRows: RowGroup = {
  name: 'scheduler-alone',
  summary: 'the scheduler alone at three sizes: plain, node affinity, pod affinity and anti-affinity',
  run: async ({ record, define }) => {
    const script = fileURLToPath(new URL('../bench/scheduling.js', import.meta.url));
    for (const kind of kinds) {
      const table = await runProgram(process.execPath, [script, kind]);
      for (const line of table.split('\n')) {
        const [name, nodeCount, , perSecond, micros] = line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim());
        if (name !== kind) continue;
        const size = Number(nodeCount).toLocaleString('en-US');
        const cost = `scheduling alone, microseconds of CPU a pod, ${size} nodes: ${kind}`;
        define({ row: cost, unit: 'µs', better: 'lower' });
        record('trireme', cost, Number(micros));
        if (Number(nodeCount) === 5_000) {
          record('trireme', `scheduling alone, 5,000 nodes: ${kind}`, Number(perSecond));
        }
      }
    }
  },
};
