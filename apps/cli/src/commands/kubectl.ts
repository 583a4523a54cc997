import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Command } from 'commander';
import { unpackedTool } from '../cluster/program.js';
import { requireState } from '../cluster/state.js';
import { UserError } from '../ui/errors.js';
import { clusterOptions } from './options.js';

export function addKubectl(program: Command): void {
  clusterOptions(program.command('kubectl'))
    .description(
      "run kubectl against the cluster: trireme kubectl -- get pods; its exit code is the command's",
    )
    .argument('[args...]', "kubectl's arguments, after --")
    .action(async (args: string[], flags: { readonly name: string; readonly dataDir?: string }) => {
      const { kubeconfig, name } = requireState(flags.name, flags.dataDir);
      const command = onPath('kubectl') ?? (await unpackedTool('kubectl'));
      if (command === undefined) {
        throw new UserError(
          'there is no kubectl',
          'install kubectl 1.35 and put it on the PATH: https://kubernetes.io/docs/tasks/tools/',
        );
      }
      process.exitCode = await handOver(command, ['--kubeconfig', kubeconfig, '--context', name, ...args]);
    });
}

/** The first file of that name in the folders of the PATH. */
export function onPath(tool: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, tool)).find((path) => existsSync(path));
}

/** Runs it in this one's place: with its terminal, input and output. Resolves to the exit code, as a shell counts it. */
async function handOver(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both, and what it means is the other's to say; what a supervisor sends reaches only this one.
  const ignore = (): void => undefined;
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', ignore).on('SIGTERM', pass).on('SIGHUP', pass);
  try {
    return await new Promise<number>((done, failed) => {
      child.once('exit', (code, signal) => done(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
      child.once('error', (error) => {
        failed(new UserError(`cannot run ${command}: ${error.message}`, 'mend or remove that file'));
      });
    });
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', pass).off('SIGHUP', pass);
  }
}
