/** `trireme node`: a node agent. Today it simulates nodes: pods live in memory and say so in containerRuntimeVersion. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Client, countedTransport, createClient, createHttpTransport, systemClock } from '#libs/client';
import { createLogger, type Registry } from '#libs/telemetry';
import { readKubeconfig } from './kubeconfig.js';
import { createNodeMetrics } from './metrics.js';
import { serveMetrics } from './metrics-server.js';
import { RunningPods } from './simulated/running-pods.js';
import { nodeNames, runSimulatedNodes } from './simulated/simulated-nodes.js';

interface Flags {
  readonly simulate: number;
  readonly kubeconfig: string;
  readonly namePrefix: string;
  readonly podStartDelay: number;
  readonly jobDuration: number;
  readonly podStopDelay: number;
  readonly heartbeat: number;
  readonly address: string;
  readonly port?: number;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
}

const version = '0.1.0';

function milliseconds(value: string): number {
  const match = /^(\d+)(ms|s|m)$/.exec(value);
  if (match === null) throw new InvalidArgumentError('a duration such as 50ms, 2s or 1m is wanted.');
  return Number(match[1]) * { ms: 1, s: 1_000, m: 60_000 }[match[2] as 'ms' | 's' | 'm'];
}

function nodeCount(value: string): number {
  const count = Number(value);
  if (!/^\d+$/.test(value) || count < 1 || count > 10_000) {
    throw new InvalidArgumentError('a number of nodes from 1 to 10000 is wanted.');
  }
  return count;
}

function port(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 65_535) throw new InvalidArgumentError('a port is wanted.');
  return number;
}

const delay = (flags: string, text: string, value: number): Option =>
  new Option(flags, text).default(value, `${value}ms`).argParser(milliseconds);

const program = new Command('trireme node')
  .description('run a node agent against a cluster')
  .addOption(
    new Option('--simulate <n>', 'simulate this many nodes in memory')
      .argParser(nodeCount)
      .makeOptionMandatory(),
  )
  .requiredOption('--kubeconfig <file>', 'how to reach the API server')
  .option('--name-prefix <prefix>', 'nodes are named prefix + number', 'node-')
  .addOption(delay('--pod-start-delay <duration>', 'bound to running', 50))
  .addOption(
    delay('--job-duration <duration>', 'running to succeeded, for pods that are meant to end', 1_000),
  )
  .addOption(delay('--pod-stop-delay <duration>', 'deleted to gone', 500))
  .addOption(
    new Option('--port <port>', 'serve /metrics there, as a kubelet does; needs the three files').argParser(
      port,
    ),
  )
  .option('--address <ip>', 'where that port is', '127.0.0.1')
  .option('--tls-cert-file <file>', 'certificate of that port, PEM')
  .option('--tls-private-key-file <file>', 'its key')
  .option('--client-ca-file <file>', 'authority of the clients that may read')
  .addOption(delay('--heartbeat <duration>', 'between renewals of a node’s Lease', 10_000))
  .parse();

const flags = program.opts<Flags>();
const logger = createLogger('node');
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
// Under a supervisor the other end of standard input closes when it dies: nothing is left behind.
if (process.env['TRIREME_SUPERVISED'] === '1') process.stdin.resume().once('close', () => stop.abort());

async function openMetrics(client: Client, registry: Registry): Promise<() => Promise<void>> {
  const { port: number, address, tlsCertFile, tlsPrivateKeyFile, clientCaFile } = flags;
  if (number === undefined) return async () => undefined;
  if (tlsCertFile === undefined || tlsPrivateKeyFile === undefined || clientCaFile === undefined) {
    throw new Error('--port needs --tls-cert-file, --tls-private-key-file and --client-ca-file');
  }
  const files = { certificate: tlsCertFile, privateKey: tlsPrivateKeyFile, clientCa: clientCaFile };
  return serveMetrics({ registry, client, host: address, port: number, ...files });
}

try {
  const access = readKubeconfig(flags.kubeconfig);
  const transport = createHttpTransport(access);
  const running = new RunningPods();
  const metrics = createNodeMetrics(version, nodeNames(flags.namePrefix, flags.simulate), running);
  const { host } = new URL(access.server);
  const client = createClient(
    countedTransport(transport, (outcome) => metrics.requests.requestDone({ host, ...outcome })),
  );
  const closeMetrics = await openMetrics(client, metrics.registry);
  logger.info({ nodes: flags.simulate }, 'simulating nodes');
  await runSimulatedNodes(
    {
      client,
      metrics,
      running,
      count: flags.simulate,
      namePrefix: flags.namePrefix,
      delays: { startMs: flags.podStartDelay, runMs: flags.jobDuration, stopMs: flags.podStopDelay },
      heartbeatMs: flags.heartbeat,
      clock: systemClock,
      version,
      onError: (error, what) => logger.warn({ what, error: (error as Error).message }, 'will try again'),
    },
    stop.signal,
  );
  await closeMetrics();
  await transport.close();
  process.exit(0);
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exit(1);
}
