/** `trireme node`: a node agent. Today it simulates nodes: pods live in memory and say so in containerRuntimeVersion. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { createClient, createHttpTransport, systemClock } from '#libs/client';
import { createLogger } from '#libs/telemetry';
import { readKubeconfig } from './kubeconfig.js';
import { runSimulatedNodes } from './simulated/simulated-nodes.js';

interface Flags {
  readonly simulate: number;
  readonly kubeconfig: string;
  readonly namePrefix: string;
  readonly podStartDelay: number;
  readonly jobDuration: number;
  readonly podStopDelay: number;
  readonly heartbeat: number;
}

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
  .addOption(delay('--heartbeat <duration>', 'between renewals of a node’s Lease', 10_000))
  .parse();

const flags = program.opts<Flags>();
const logger = createLogger('node');
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
// Under a supervisor the other end of standard input closes when it dies: nothing is left behind.
if (process.env['TRIREME_SUPERVISED'] === '1') process.stdin.resume().once('close', () => stop.abort());

try {
  const transport = createHttpTransport(readKubeconfig(flags.kubeconfig));
  logger.info({ nodes: flags.simulate }, 'simulating nodes');
  await runSimulatedNodes(
    {
      client: createClient(transport),
      count: flags.simulate,
      namePrefix: flags.namePrefix,
      delays: { startMs: flags.podStartDelay, runMs: flags.jobDuration, stopMs: flags.podStopDelay },
      heartbeatMs: flags.heartbeat,
      clock: systemClock,
      version: '0.1.0',
      onError: (error, what) => logger.warn({ what, error: (error as Error).message }, 'will try again'),
    },
    stop.signal,
  );
  await transport.close();
  process.exit(0);
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`);
  process.exit(1);
}
