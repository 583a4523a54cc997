import { rmdirSync, rmSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { removeFromKubeconfig } from '#libs/pki';
import { askSupervisor } from '../cluster/control.js';
import {
  type ClusterState,
  forgetLocation,
  isAlive,
  readState,
  requireState,
  resolveDataDir,
} from '../cluster/state.js';
import { UserError } from '../ui/errors.js';
import { Progress } from '../ui/progress.js';
import { clusterOptions } from './options.js';

interface DownFlags {
  readonly name: string;
  readonly dataDir?: string;
}

export function addDown(program: Command): void {
  clusterOptions(program.command('down'))
    .description('stop the cluster; its data is kept')
    .action(async (flags: DownFlags) => {
      const progress = new Progress({ quiet: program.opts<{ quiet?: boolean }>().quiet === true });
      const state = requireState(flags.name, flags.dataDir);
      if (!isAlive(state.supervisorPid)) progress.info(`Cluster "${state.name}" is not running`);
      await stopCluster(state, progress);
      progress.info(`\nThe data is in ${state.dataDir}. Type this next:\n  trireme up --name ${state.name}`);
    });

  clusterOptions(program.command('reset'))
    .description('stop the cluster and remove its data')
    .addOption(new Option('--force', 'also when the directory holds no readable cluster').default(false))
    .action(async (flags: DownFlags & { readonly force: boolean }) => {
      const progress = new Progress({ quiet: program.opts<{ quiet?: boolean }>().quiet === true });
      const dataDir = resolveDataDir(flags.name, flags.dataDir);
      const state = flags.force ? tolerantState(dataDir) : requireState(flags.name, flags.dataDir);
      if (state !== undefined) await stopCluster(state, progress);
      await progress.step(`Removing ${dataDir}`, async () => {
        for (const part of [
          'masters',
          'pki',
          'logs',
          'cluster.json',
          'cluster.json.tmp',
          'supervisor.sock',
          '.writable',
        ]) {
          rmSync(`${dataDir}/${part}`, { recursive: true, force: true });
        }
        removeIfEmpty(dataDir);
      });
      forgetLocation(flags.name);
    });
}

/** Other people's files in the directory stay, and so does the directory. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
  }
}

function tolerantState(dataDir: string): ClusterState | undefined {
  try {
    return readState(dataDir);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function stopCluster(state: ClusterState, progress: Progress): Promise<void> {
  if (isAlive(state.supervisorPid)) {
    await progress.step('Stopping the cluster', async () => {
      await askSupervisor(state.dataDir, { command: 'stop' });
      while (isAlive(state.supervisorPid)) await new Promise((resolve) => setTimeout(resolve, 20));
    });
  }
  // A supervisor that was killed takes its children along: they end when its pipe closes.
  try {
    await removeFromKubeconfig(state.kubeconfig, state.name);
  } catch (error) {
    // Somebody else's file, broken or gone: no reason to keep the cluster.
    progress.info(` ! the context "${state.name}" was not removed: ${(error as Error).message.trimEnd()}`);
  }
}
