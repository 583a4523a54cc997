import { type Command, Option } from 'commander';
import { AdminClient } from '../cluster/admin-client.js';
import type { ClusterState, MasterState } from '../cluster/state.js';
import { clusterStatus } from '../cluster/status.js';
import { UserError } from '../ui/errors.js';
import { chosenCluster, clusterOptions, NamesArgument, remoteOption } from './options.js';

interface Flags {
  readonly name: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly from?: string;
}

export function addTransferLeader(program: Command): void {
  remoteOption(clusterOptions(program.command('transfer-leader')))
    .description('hand leadership to another master, or to the most caught-up one; prints the new leader')
    .addArgument(new NamesArgument('[to]', 'name of the master that is to lead'))
    .addOption(
      new Option('--from <name>', 'only if this master leads; otherwise nothing is done').env(
        'TRIREME_MASTER_NAME',
      ),
    )
    .action(async (to: string | undefined, flags: Flags) => {
      const state = chosenCluster(flags);
      if (to !== undefined) find(state, to);
      if (flags.from !== undefined) find(state, flags.from);
      const { leader: before } = await clusterStatus(state);
      if (before === undefined) throw new UserError('the cluster has no leader now', 'see `trireme status`');
      const stays = before === to || (flags.from !== undefined && flags.from !== before);
      const after = stays ? before : await transfer(state, find(state, before), to);
      process.stdout.write(`${after}\n`);
    });
}

function find(state: ClusterState, name: string): MasterState {
  const master = state.masters.find((one) => one.name === name);
  if (master !== undefined) return master;
  throw new UserError(
    `there is no master "${name}"`,
    `masters: ${state.masters.map((one) => one.name).join(', ')}`,
  );
}

/** Resolves to the new leader, once it says that it leads. */
async function transfer(state: ClusterState, leader: MasterState, to: string | undefined): Promise<string> {
  await (await AdminClient.open(state)).transferLeadership(leader, to);
  const deadline = Date.now() + 10_000;
  for (;;) {
    const { leader: now } = await clusterStatus(state);
    if (now !== undefined && (to === undefined ? now !== leader.name : now === to)) return now;
    if (Date.now() > deadline)
      throw new UserError('leadership did not move within 10 s', 'see `trireme status`');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
