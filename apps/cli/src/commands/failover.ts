import type { Command } from 'commander';
import { failoverArguments, failoverCommand } from '../../../../loadtest/src/failover/arguments.js';
import type { runFailover } from '../../../../loadtest/src/failover/run.js';
import { importLab } from '../cluster/program.js';

/** `trireme failover`: the flags are known here, the lab behind them is loaded when it is used. */
export function addFailover(program: Command): void {
  const command = failoverCommand();
  command.action(async () => {
    const wanted = failoverArguments(command, program.opts<{ quiet?: boolean }>().quiet === true);
    const lab = await importLab<{ runFailover: typeof runFailover }>('failover/run.js');
    process.exitCode = await lab.runFailover(wanted);
  });
  program.addCommand(command);
}
