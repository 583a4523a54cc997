import type { Command } from 'commander';
import { AdminClient } from '../cluster/admin-client.js';
import { requireRunning, requireState } from '../cluster/state.js';
import { clusterStatus } from '../cluster/status.js';
import { UserError } from '../ui/errors.js';
import { clusterOptions } from './options.js';

export function addTransferLeader(program: Command): void {
  clusterOptions(program.command('transfer-leader'))
    .description('hand leadership to another master, or to the most caught-up one; prints the new leader')
    .argument('[to]', 'name of the master that is to lead')
    .action(async (to: string | undefined, flags: { readonly name: string; readonly dataDir?: string }) => {
      const state = requireRunning(requireState(flags.name, flags.dataDir));
      if (to !== undefined && !state.masters.some((master) => master.name === to)) {
        throw new UserError(
          `there is no master "${to}"`,
          `masters: ${state.masters.map((master) => master.name).join(', ')}`,
        );
      }
      const before = await clusterStatus(state);
      const leader = state.masters.find((master) => master.name === before.leader);
      if (leader === undefined) throw new UserError('the cluster has no leader now', 'see `trireme status`');
      if (leader.name !== to) await (await AdminClient.open(state)).transferLeadership(leader, to);
      const deadline = Date.now() + 10_000;
      for (;;) {
        const { leader: now } = await clusterStatus(state);
        if (now !== undefined && (to === undefined ? now !== before.leader : now === to)) {
          process.stdout.write(`${now}\n`);
          return;
        }
        if (Date.now() > deadline)
          throw new UserError('leadership did not move within 10 s', 'see `trireme status`');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
}
