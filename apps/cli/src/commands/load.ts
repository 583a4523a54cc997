import type { Command } from 'commander';
import { loadArguments, loadCommand } from '../../../../loadtest/src/load/arguments.js';
import type { runLoad } from '../../../../loadtest/src/load/run.js';
import { importLab } from '../cluster/program.js';

/** `trireme load`: the flags are known here, the lab behind them is loaded when it is used. */
export function addLoad(program: Command): void {
  const command = loadCommand();
  command.action(async () => {
    const wanted = loadArguments(command, program.opts<{ quiet?: boolean }>().quiet === true);
    const lab = await importLab<{ runLoad: typeof runLoad }>('load/run.js');
    process.exitCode = await lab.runLoad(wanted);
  });
  program.addCommand(command);
}
