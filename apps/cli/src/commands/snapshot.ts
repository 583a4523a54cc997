import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AdminClient } from '../cluster/admin-client.js';
import { type MasterState, requireRunning, requireState } from '../cluster/state.js';
import { clusterStatus } from '../cluster/status.js';
import { UserError } from '../ui/errors.js';
import { Progress } from '../ui/progress.js';
import { clusterOptions } from './options.js';
import { type Output, outputOption, print, readable } from './snapshot-output.js';
import { addRestore } from './snapshot-restore.js';

interface ClusterFlags {
  readonly name: string;
  readonly dataDir?: string;
}

/** Backups: taken from a running master, checked, and made into a new cluster. */
export function addSnapshot(program: Command): void {
  const snapshot = program
    .command('snapshot')
    .description('back the cluster up, and restore it into a new one');
  const progress = (): Progress =>
    new Progress({ quiet: program.opts<{ quiet?: boolean }>().quiet === true });
  addSave(snapshot, progress);
  addStatus(snapshot);
  addRestore(snapshot, progress);
}

function addSave(snapshot: Command, progress: () => Progress): void {
  clusterOptions(snapshot.command('save'))
    .description('save everything that was acknowledged so far to a file, while the cluster goes on')
    .argument('<file>', 'where to; it appears when it is whole and checked')
    .option('--from <master>', 'take it from this master (default: one that does not lead)')
    .addOption(outputOption())
    .action(
      async (file: string, flags: ClusterFlags & { readonly from?: string; readonly output: Output }) => {
        const state = requireRunning(requireState(flags.name, flags.dataDir));
        const master = await pickMaster(flags, state.masters);
        const path = resolve(file);
        const saved = await progress().step(`Saving a snapshot from ${master.name}`, async () =>
          (await AdminClient.open(state)).saveBackup(master, path),
        );
        print(path, saved, flags.output);
      },
    );
}

/** The leader has the most to do already. Throws UserError when none answers. */
async function pickMaster(
  flags: ClusterFlags & { readonly from?: string },
  masters: readonly MasterState[],
): Promise<MasterState> {
  const named = masters.find(({ name }) => name === flags.from);
  if (named !== undefined) return named;
  if (flags.from !== undefined) {
    const names = masters.map(({ name }) => name).join(', ');
    throw new UserError(`there is no master "${flags.from}"`, `masters: ${names}`);
  }
  const { members } = await clusterStatus(requireState(flags.name, flags.dataDir));
  const healthy = members.filter((member) => member.healthy);
  const chosen = healthy.find(({ role }) => role === 'follower') ?? healthy[0];
  const master = masters.find(({ name }) => name === chosen?.name);
  if (master === undefined) throw new UserError('no master is ready', 'see `trireme status`');
  return master;
}

function addStatus(snapshot: Command): void {
  snapshot
    .command('status')
    .description('check a file from end to end, and say what it holds')
    .argument('<file>', 'a saved snapshot')
    .addOption(outputOption())
    .action(async (file: string, flags: { readonly output: Output }) => {
      const { verifyBackup } = await import('#libs/consensus');
      print(file, await readable(file, async () => verifyBackup(file)), flags.output);
    });
}
