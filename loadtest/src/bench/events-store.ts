import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Http2Client } from '../http2/http2-client.js';
import { closedLoop, demand, makeNamespace, openClients } from '../measures/closed-loop.js';
import { podBody } from '../pod.js';
import { freePorts, startProgram, stopProgram } from '../processes.js';
import { startTrireme, type TriremeTarget } from '../targets/trireme.js';

/**
 * What Events cost the log: churn of pods, each with the four Events that a scheduler and a kubelet write of it, on a
 * cluster that keeps Events in its log and on one that keeps them in Redis. Prints one line of JSON for each.
 *
 *   node dist/loadtest/src/bench/events-store.js [seconds] [clients]
 */
const seconds = Number(process.argv[2] ?? 12);
const clients = Number(process.argv[3] ?? 32);
const warmupSeconds = 10;

/** Reason, component and message of an Event about `pod`. */
const eventsOf = (pod: string) =>
  [
    ['Scheduled', 'default-scheduler', `Successfully assigned churn/${pod} to node-1`],
    ['Pulled', 'kubelet', 'Container image "registry.example/web:1.2.3" already present on machine'],
    ['Created', 'kubelet', 'Created container web'],
    ['Started', 'kubelet', 'Started container web'],
  ] as const;

function eventBody(namespace: string, pod: string, [reason, component, message]: readonly string[]): string {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${pod}.${reason?.toLowerCase()}`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name: pod },
    reason,
    message,
    type: 'Normal',
    source: { component, host: 'node-1' },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  });
}

interface LogTraffic {
  readonly proposals: number;
  readonly peerBytes: number;
  readonly cpuSeconds: number;
}

/** Counted since the masters began, over all of them. */
async function trafficOf({ servers, tls }: TriremeTarget): Promise<LogTraffic> {
  const all = await Promise.all(
    servers.map(async (server) => {
      const client = new Http2Client(server, tls);
      const text = (await demand(client, 'GET', '/metrics', 200)).toString();
      client.close();
      const sum = (name: string): number =>
        [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].reduce(
          (total, [, value]) => total + Number(value),
          0,
        );
      return {
        proposals: sum('etcd_server_proposals_committed_total'),
        peerBytes: sum('etcd_network_peer_sent_bytes_total'),
        cpuSeconds: sum('process_cpu_seconds_total'),
      };
    }),
  );
  const total = (of: (each: LogTraffic) => number): number => all.reduce((sum, each) => sum + of(each), 0);
  return {
    proposals: Math.max(...all.map(({ proposals }) => proposals)),
    peerBytes: total(({ peerBytes }) => peerBytes),
    cpuSeconds: total(({ cpuSeconds }) => cpuSeconds),
  };
}

async function measure(engine: string, args: readonly string[]): Promise<void> {
  const target = await startTrireme({ nodes: 0, args });
  try {
    const namespace = await makeNamespace(target, 'churn');
    const path = `/api/v1/namespaces/${namespace}`;
    const open = openClients(target, clients);
    let serial = 0;
    const churn = async (client: Http2Client): Promise<void> => {
      const pod = `pod-${serial++}`;
      await demand(client, 'POST', `${path}/pods`, 201, podBody(pod, namespace));
      for (const event of eventsOf(pod))
        await demand(client, 'POST', `${path}/events`, 201, eventBody(namespace, pod, event));
      await demand(client, 'DELETE', `${path}/pods/${pod}`, 200);
    };
    await closedLoop(open, { seconds: warmupSeconds }, churn);
    const before = await trafficOf(target);
    const { perSecond, done, errors, firstError } = await closedLoop(open, { seconds }, churn);
    const after = await trafficOf(target);
    for (const client of open) client.close();
    if (firstError !== undefined) throw new Error(`${errors} errors, the first: ${firstError}`);
    const perPod = (of: keyof LogTraffic): number => (after[of] - before[of]) / done;
    const figures = {
      engine,
      podsPerSecond: Math.round(perSecond),
      proposalsPerPod: Number(perPod('proposals').toFixed(2)),
      peerBytesPerPod: Math.round(perPod('peerBytes')),
      masterCpuMsPerPod: Number((perPod('cpuSeconds') * 1_000).toFixed(2)),
    };
    console.log(JSON.stringify(figures));
  } finally {
    await target.stop();
  }
}

await measure('log', []);
const directory = mkdtempSync(join(tmpdir(), 'trireme-bench-redis-'));
const [port] = await freePorts(1);
const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory];
const redis = startProgram('redis-server', flags, join(directory, 'redis.log'));
try {
  await measure('redis', ['--events-store', `redis://127.0.0.1:${port}`]);
} finally {
  await stopProgram(redis);
  rmSync(directory, { recursive: true, force: true });
}
