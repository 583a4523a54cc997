import { performance } from 'node:perf_hooks';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { measureGet, measureList } from '../measures/pods.js';
import { closedLoop, demand, makeNamespace, openClients } from '../measures/closed-loop.js';
import { podBody } from '../pod.js';
import { residentMiB } from '../processes.js';
import { startTrireme } from '../targets/trireme.js';
import type { Target } from '../targets/target.js';
import type { RowGroup } from './context.js';

const settleSeconds = 10;
const watchedSeconds = 10;
/** Of the kernel's accounting of CPU time, on every Linux. */
const ticksPerSecond = 100;

/** CPU seconds that a process has used; undefined when it has gone or there is no /proc. */
function cpuSeconds(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    // No such process, or another system.
    return undefined;
  }
}

export const idleRows: RowGroup = {
  name: 'idle',
  summary: 'time to three ready masters; what one costs when nothing happens',
  run: async ({ record }) => {
    const started = performance.now();
    const target = await startTrireme({ nodes: 0 });
    record('trireme', 'up to three ready masters', (performance.now() - started) / 1_000);
    try {
      await sleep(settleSeconds * 1_000);
      const pids = await target.pids();
      const sum = (of: (pid: number) => number | undefined): number =>
        pids.reduce((total, pid) => total + (of(pid) ?? 0), 0);
      const before = sum(cpuSeconds);
      await sleep(watchedSeconds * 1_000);
      const used = sum(cpuSeconds) - before;
      record('trireme', 'idle: CPU a master', (used / watchedSeconds / pids.length) * 100);
      record('trireme', 'idle: memory a master', sum(residentMiB) / pids.length);
    } finally {
      await target.stop();
    }
  },
};

const size = { nodes: 5_000, namespaces: 50, podsEach: 3_000 } as const;

/** The size up to which Kubernetes itself is specified, and its service levels. */
export const sizeRows: RowGroup = {
  name: 'size',
  summary:
    '5,000 nodes that heartbeat, 150,000 pods: latencies against Kubernetes’ service levels (takes minutes)',
  run: async ({ record, seconds }) => {
    const target = await startTrireme({ nodes: size.nodes });
    const prefix = '5,000 nodes, 150,000 pods:';
    try {
      const namespaces: string[] = [];
      for (let i = 0; i < size.namespaces; i++) namespaces.push(await fill(target, i));
      const [first = ''] = namespaces;
      const clients = openClients(target, 16);
      const changed = await closedLoop(clients, { seconds, warmupSeconds: 2 }, async (client, n) => {
        const body = podBody(`more-${n}`, first);
        await demand(client, 'POST', `/api/v1/namespaces/${first}/pods`, 201, body);
      });
      for (const client of clients) client.close();
      record('trireme', `${prefix} mutating p99`, changed.p99Ms);
      const options = { clients: 16, seconds, quorum: true };
      const read = await measureGet(target, first, size.podsEach, options);
      record('trireme', `${prefix} get p99`, read.p99Ms);
      const listed = await measureList(target, first, { limit: undefined, times: 20 });
      record('trireme', `${prefix} list of a namespace p99`, listed.p99Ms);
    } finally {
      await target.stop();
    }
  },
};

async function fill(target: Target, number: number): Promise<string> {
  const namespace = await makeNamespace(target, `size-${process.pid}-${number}`);
  const clients = openClients(target, 32);
  try {
    const limit = { seconds: 600, maximum: size.podsEach };
    const made = await closedLoop(clients, limit, async (client, n) => {
      await demand(
        client,
        'POST',
        `/api/v1/namespaces/${namespace}/pods`,
        201,
        podBody(`pod-${n}`, namespace),
      );
    });
    if (made.errors > 0) throw new Error(`${made.errors} creates failed, first: ${made.firstError}`);
  } finally {
    for (const client of clients) client.close();
  }
  return namespace;
}
