import { Command, InvalidArgumentError, Option } from 'commander';
import { integer } from '../../../apps/cli/src/commands/options.js';
import { UserError } from '../../../apps/cli/src/ui/errors.js';
import { type ScenarioName, scenarioNames } from '../load/plan.js';
import { outputFlags, type Outputs, outputsOf } from '../report/outputs.js';
import { type FaultName, faultNames, faultSummaries } from './lab-target.js';

export interface FailoverArguments {
  readonly rounds: number;
  readonly faults: readonly FaultName[];
  readonly writers: number;
  /** A load scenario beside the writers; undefined: none. */
  readonly load: ScenarioName | undefined;
  readonly clients: number;
  readonly peers: boolean;
  /** Folder of another built installation, for rolling upgrades. */
  readonly upgradeFrom: string | undefined;
  readonly outputs: Outputs;
  readonly quiet: boolean;
}

interface Flags {
  readonly rounds: number;
  readonly faults: readonly FaultName[];
  readonly writers: number;
  readonly load: ScenarioName | 'none';
  readonly clients: number;
  readonly peers: boolean;
  readonly upgradeFrom?: string;
}

const defaultFaults: readonly FaultName[] = ['kill'];

function faultList(text: string): readonly FaultName[] {
  if (text === 'all') return faultNames;
  return text.split(',').map((name) => {
    const found = faultNames.find((known) => known === name);
    if (found === undefined) throw new InvalidArgumentError(`faults are ${faultNames.join(', ')}, or all.`);
    return found;
  });
}

/** The `failover` command with its flags; whoever adds it gives it what it does. */
export function failoverCommand(): Command {
  const width = Math.max(...faultNames.map((name) => name.length));
  const list = faultNames.map((name) => `  ${name.padEnd(width)}  ${faultSummaries[name]}`);
  const command = new Command('failover')
    .description(
      `start a cluster of its own, break its leader in rounds under load, and check that nothing was lost:\n${list.join('\n')}`,
    )
    .addOption(new Option('--rounds <n>', 'rounds of each fault').default(20).argParser(integer(1, 1_000)))
    .addOption(
      new Option('--faults <a,b>', 'faults in turns, or all')
        .default(defaultFaults, defaultFaults.join(','))
        .argParser(faultList),
    )
    .addOption(
      new Option('--writers <n>', 'clients that write without pause').default(4).argParser(integer(1, 200)),
    )
    .addOption(
      new Option('--load <scenario>', 'a load beside them: any scenario of `load`')
        .choices(['none', ...scenarioNames])
        .default('none'),
    )
    .addOption(new Option('--clients <n>', 'clients of that load').default(8).argParser(integer(1, 1_000)))
    .option('--peers', 'the same rounds on etcd and kube-apiserver, where they are on the PATH', false)
    .option('--upgrade-from <folder>', 'another built installation, which rolling upgrades start from');
  return outputFlags(command);
}

export function failoverArguments(command: Command, quiet = false): FailoverArguments {
  const { load, upgradeFrom, ...flags } = command.opts<Flags>();
  if (flags.rounds * flags.faults.length > 5_000) {
    throw new UserError(
      `${flags.rounds} rounds of ${flags.faults.length} faults are more than 5,000`,
      'a round takes about four seconds: choose fewer',
    );
  }
  return {
    rounds: flags.rounds,
    faults: flags.faults,
    writers: flags.writers,
    load: load === 'none' ? undefined : load,
    clients: flags.clients,
    peers: flags.peers,
    upgradeFrom,
    outputs: outputsOf(command),
    quiet,
  };
}
