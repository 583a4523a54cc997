import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { masterEntry, nodeEntry } from '../cluster/program.js';

/**
 * `trireme master` and `trireme node`: one process each, for real deployments. Their flags are documented by --help.
 * The program runs in this very process: signals, and a kill -9, reach it and nothing is left behind.
 */
export function addProcesses(program: Command): void {
  const processes = {
    master: [masterEntry, 'run one master replica'],
    node: [nodeEntry, 'run a node agent'],
  } as const;
  for (const [name, [entry, description]] of Object.entries(processes)) {
    program
      .command(name)
      .description(`${description} (see \`trireme ${name} --help\`)`)
      .allowUnknownOption()
      .helpOption(false)
      .argument('[args...]')
      .action(async (args: string[]) => {
        process.argv = [process.execPath, entry, ...args];
        await import(pathToFileURL(entry).href);
      });
  }
}
