import { Command, InvalidArgumentError, Option } from 'commander';
import { duration, integer } from '../../../apps/cli/src/commands/options.js';
import { UserError } from '../../../apps/cli/src/ui/errors.js';
import { outputFlags, type Outputs, outputsOf } from '../report/outputs.js';
import {
  engineNames,
  type EngineName,
  type Rate,
  type ScenarioName,
  scenarioNames,
  type Threshold,
} from './plan.js';
import { scenarios } from './scenarios/index.js';

export interface LoadArguments {
  readonly scenario: ScenarioName;
  readonly engine: EngineName;
  readonly clients: number;
  readonly rate: Rate | null;
  readonly processes: number;
  readonly seconds: number;
  readonly items: number;
  readonly thresholds: readonly Threshold[];
  readonly outputs: Outputs;
  readonly quiet: boolean;
  readonly target: TargetArguments;
}

/** A given server, or a cluster of this machine; an unnamed one is started when it does not run. */
export type TargetArguments =
  | { readonly server: string; readonly ca: string; readonly cert: string; readonly key: string }
  | { readonly name: string; readonly mayStart: boolean };

interface TargetFlags {
  readonly server?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly name?: string;
}

interface Flags extends TargetFlags {
  readonly engine: EngineName;
  readonly clients?: number;
  readonly rate?: number;
  readonly ramp?: Rate;
  readonly processes: number;
  readonly duration: number;
  readonly items?: number;
  readonly threshold: readonly Threshold[];
}

const longestMs = 600_000;
const fastest = 50_000;

/** `p99<50` (milliseconds), `errors<=0.01` (share of the requests), `create.p99<50` (of one kind of request). */
export function parseThreshold(text: string): Threshold {
  const match = /^(?:([a-z][a-z-]*)\.)?(p50|p95|p99|p99\.9|p99\.99|errors)(<=?)(\d+(?:\.\d+)?)$/.exec(
    text.replaceAll(' ', ''),
  );
  if (match === null) {
    throw new InvalidArgumentError(
      'a threshold such as p99<50 (milliseconds), create.p99<50 or errors<=0.01 (share of the requests) is wanted; ' +
        'known: p50, p95, p99, p99.9, p99.99, errors.',
    );
  }
  return {
    step: match[1] ?? null,
    of: match[2] as Threshold['of'],
    operator: match[3] as Threshold['operator'],
    limit: Number(match[4]),
  };
}

/** `100:2000` → a straight line from one rate to the other. */
function parseRamp(text: string): Rate {
  const match = /^(\d+):(\d+)$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || to < 1 || Math.max(from, to) > fastest) {
    throw new InvalidArgumentError(`two rates such as 100:2000 are wanted, ${fastest} at most.`);
  }
  return { from, to };
}

/** The `load` command with its flags; whoever adds it gives it what it does. */
export function loadCommand(): Command {
  const width = Math.max(...scenarioNames.map((name) => name.length));
  const list = scenarioNames.map((name) => `  ${name.padEnd(width)}  ${scenarios[name].summary}`);
  const command = new Command('load')
    .description(`put one load on a cluster of this machine:\n${list.join('\n')}`)
    .argument('<scenario>', scenarioNames.join(', '), (value: string) => oneOf(value, scenarioNames))
    .addOption(new Option('--engine <engine>', 'what sends it').choices(engineNames).default('autocannon'))
    .option(
      '--clients <n>',
      'clients, each with a connection of its own (default: the scenario’s)',
      integer(1, 1_000),
    )
    .option(
      '--rate <n>',
      'iterations a second of all clients together (default: a closed loop)',
      integer(1, fastest),
    )
    .option('--ramp <from:to>', 'a rate that rises or falls over the whole time', parseRamp)
    .option('--processes <n>', 'processes that generate the load (autocannon)', integer(1, 32), 1)
    .option('--duration <time>', 'length of the load, 1s to 10m', duration, 10_000)
    .option('--items <n>', 'what the scenario works on: pods, nodes …', integer(1, 50_000))
    .option(
      '--threshold <p99<50>',
      'fail when it is not met; may be repeated (default: errors<=0)',
      (value: string, before: readonly Threshold[]) => [...before, parseThreshold(value)],
      [],
    )
    .option('--server <url>', 'an API server on loopback; needs --ca, --cert and --key')
    .option('--ca <file>', 'certificate authority of the server (PEM)')
    .option('--cert <file>', 'client certificate (PEM)')
    .option('--key <file>', 'key of the client certificate (PEM)')
    .option(
      '--name <name>',
      'a running cluster of this machine (default: trireme, or a new one for this load)',
    );
  return outputFlags(command);
}

/** What the flags of a parsed command say; a wrong one is a UserError. */
export function loadArguments(command: Command, quiet = false): LoadArguments {
  const flags = command.opts<Flags>();
  const name = command.processedArgs[0] as ScenarioName;
  const scenario = scenarios[name];
  if (flags.duration < 1_000 || flags.duration > longestMs) {
    throw new UserError(`--duration ${flags.duration} ms is out of bounds`, 'choose from 1s to 10m');
  }
  if (flags.rate !== undefined && flags.ramp !== undefined) {
    throw new UserError('--rate and --ramp exclude each other', 'give one of them');
  }
  if (flags.engine === 'k6' && flags.processes > 1) {
    throw new UserError('--processes is for autocannon: one k6 uses all cores', 'leave it out');
  }
  const items = itemsOf(name, flags.items);
  const rate = flags.rate ?? scenario.rate?.(items);
  const steps = namesOfSteps(name);
  for (const { step } of flags.threshold) {
    if (step !== null && !steps.includes(step)) {
      throw new UserError(`--threshold: ${name} has no step "${step}"`, `its steps: ${steps.join(', ')}`);
    }
  }
  return {
    scenario: name,
    engine: flags.engine,
    clients: flags.clients ?? scenario.clients,
    rate: flags.ramp ?? (rate === undefined ? null : { from: rate, to: rate }),
    processes: Math.min(flags.processes, flags.clients ?? scenario.clients),
    seconds: flags.duration / 1_000,
    items,
    thresholds:
      flags.threshold.length > 0 ? flags.threshold : [{ step: null, of: 'errors', operator: '<=', limit: 0 }],
    outputs: outputsOf(command),
    quiet,
    target: targetOf(flags),
  };
}

function itemsOf(name: ScenarioName, given: number | undefined): number {
  const { items } = scenarios[name];
  if (items === undefined) {
    if (given !== undefined) throw new UserError(`--items means nothing to ${name}`, 'leave it out');
    return 0;
  }
  if (given !== undefined && given > items.maximum) {
    throw new UserError(
      `--items ${given}: ${name} takes ${items.maximum} ${items.what} at most`,
      'choose fewer',
    );
  }
  return given ?? items.default;
}

function namesOfSteps(name: ScenarioName): string[] {
  const groups = scenarios[name].groups({ namespace: '', clients: 1, rate: null, items: 1 });
  const steps = groups.flatMap(({ operations }) => operations.flatMap((operation) => operation.steps));
  return [...new Set(steps.map((step) => step.name))];
}

function targetOf({ server, ca, cert, key, name }: TargetFlags): TargetArguments {
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

function oneOf<T extends string>(value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
  return found;
}
