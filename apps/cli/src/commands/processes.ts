import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { masterEntry, nodeEntry } from '../cluster/program.js';

/** `trireme master` and `trireme node`: one process each, for real deployments. Their flags are documented by --help. */
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
        const child = spawn(process.execPath, [entry, ...args], { stdio: 'inherit' });
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
        process.exitCode = await new Promise<number>((done, failed) => {
          child.once('error', failed);
          child.once('exit', (code) => done(code ?? 1));
        });
      });
  }
}
