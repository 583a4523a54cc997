import { Command, InvalidArgumentError, Option } from 'commander';
import { duration, integer } from '../../../apps/cli/src/commands/options.js';
import { UserError } from '../../../apps/cli/src/ui/errors.js';
import { engineNames, type EngineName, type ScenarioName, scenarioNames, type Threshold } from './plan.js';
import { scenarios } from './scenarios.js';

export interface LoadArguments {
  readonly scenario: ScenarioName;
  readonly engine: EngineName;
  readonly clients: number;
  readonly rate: number | null;
  readonly seconds: number;
  readonly pods: number;
  readonly thresholds: readonly Threshold[];
  readonly json: string | undefined;
  /** A given server, or a cluster of this machine; an unnamed one is started when it does not run. */
  readonly target:
    | { readonly server: string; readonly ca: string; readonly cert: string; readonly key: string }
    | { readonly name: string; readonly mayStart: boolean };
}

interface Flags {
  readonly engine: EngineName;
  readonly clients: number;
  readonly rate?: number;
  readonly duration: number;
  readonly pods?: number;
  readonly threshold: readonly Threshold[];
  readonly json?: string;
  readonly server?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly name?: string;
}

const longestMs = 600_000;

/** `p99<50` (milliseconds) and `errors<=0.01` (share of the requests). */
export function parseThreshold(text: string): Threshold {
  const match = /^(p50|p95|p99|p99\.9|errors)(<=?)(\d+(?:\.\d+)?)$/.exec(text.replaceAll(' ', ''));
  if (match === null) {
    throw new InvalidArgumentError(
      'a threshold such as p99<50 (milliseconds) or errors<=0.01 (share of the requests) is wanted; ' +
        'known: p50, p95, p99, p99.9, errors.',
    );
  }
  return {
    of: match[1] as Threshold['of'],
    operator: match[2] as Threshold['operator'],
    limit: Number(match[3]),
  };
}

/** Reads the command line (without node and the script); a wrong one is a UserError, or commander's own exit. */
export function parseArguments(
  argv: readonly string[],
  configure: (command: Command) => void = () => {},
): LoadArguments {
  const command = new Command('load');
  command
    .description(
      `puts one load on a cluster of this machine:\n${scenarioNames.map((name) => `  ${name.padEnd(7)} ${scenarios[name].summary}`).join('\n')}`,
    )
    .argument('<scenario>', scenarioNames.join(', '), (value: string) => oneOf(value, scenarioNames))
    .addOption(new Option('--engine <engine>', 'what sends it').choices(engineNames).default('autocannon'))
    .option('--clients <n>', 'clients, each with a connection of its own', integer(1, 1_000), 64)
    .option(
      '--rate <n>',
      'requests a second of all clients together (default: a closed loop)',
      integer(1, 50_000),
    )
    .option('--duration <time>', 'length of the load, 1s to 10m', duration, 10_000)
    .option('--pods <n>', 'pods that reads, lists and watches find', integer(1, 50_000))
    .option(
      '--threshold <p99<50>',
      'fail when it is not met; may be repeated (default: errors<=0)',
      collect,
      [],
    )
    .option('--json <file>', 'also write the report to a file')
    .option('--server <url>', 'an API server on loopback; needs --ca, --cert and --key')
    .option('--ca <file>', 'certificate authority of the server (PEM)')
    .option('--cert <file>', 'client certificate (PEM)')
    .option('--key <file>', 'key of the client certificate (PEM)')
    .option(
      '--name <name>',
      'a running cluster of this machine (default: trireme, or a new one for this load)',
    );
  configure(command);
  command.parse(argv, { from: 'user' });
  const flags = command.opts<Flags>();
  const scenario = command.processedArgs[0] as ScenarioName;
  if (flags.duration < 1_000 || flags.duration > longestMs) {
    throw new UserError(`--duration ${flags.duration} ms is out of bounds`, 'choose from 1s to 10m');
  }
  if (flags.pods !== undefined && scenarios[scenario].pods === 0) {
    throw new UserError(`--pods means nothing to ${scenario}: it needs no pods before it starts`);
  }
  return {
    scenario,
    engine: flags.engine,
    clients: flags.clients,
    rate: flags.rate ?? null,
    seconds: flags.duration / 1_000,
    pods: flags.pods ?? scenarios[scenario].pods,
    thresholds: flags.threshold.length > 0 ? flags.threshold : [{ of: 'errors', operator: '<=', limit: 0 }],
    json: flags.json,
    target: targetOf(flags),
  };
}

function targetOf({ server, ca, cert, key, name }: Flags): LoadArguments['target'] {
  if (server === undefined) {
    if (ca !== undefined || cert !== undefined || key !== undefined) {
      throw new UserError('--ca, --cert and --key belong to --server', 'give the URL with --server');
    }
    const wanted = name ?? process.env['TRIREME_NAME'];
    return { name: wanted ?? 'trireme', mayStart: wanted === undefined };
  }
  if (name !== undefined) throw new UserError('--server and --name exclude each other', 'give one of them');
  if (ca === undefined || cert === undefined || key === undefined) {
    throw new UserError(
      '--server needs --ca, --cert and --key',
      "a cluster of this machine keeps them in its data directory's pki folder: ca.crt, admin.crt, admin.key",
    );
  }
  return { server: loopback(server), ca, cert, key };
}

/** Loads go to this machine only: whoever measures another must run there. */
export function loopback(server: string): string {
  if (!URL.canParse(server)) {
    throw new UserError(`--server ${server} is not a URL`, 'for example https://127.0.0.1:6443');
  }
  const { protocol, hostname, origin } = new URL(server);
  if (protocol !== 'https:')
    throw new UserError(`--server ${server} is not https`, 'requests carry a client certificate');
  if (hostname !== 'localhost' && hostname !== '[::1]' && !/^127(\.\d{1,3}){3}$/.test(hostname)) {
    throw new UserError(
      `${hostname} is not this machine: loads go to loopback only`,
      'run the load on the machine of the server',
    );
  }
  return origin;
}

function collect(value: string, before: readonly Threshold[]): readonly Threshold[] {
  return [...before, parseThreshold(value)];
}

function oneOf<T extends string>(value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
  return found;
}
