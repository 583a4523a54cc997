import { type Command, Option } from 'commander';
import { AdminClient } from '../cluster/admin-client.js';
import { requireRunning, requireState } from '../cluster/state.js';
import { clusterStatus } from '../cluster/status.js';
import { UserError } from '../ui/errors.js';
import { formatTable } from '../ui/table.js';
import { clusterOptions, oneOf } from './options.js';

interface AlarmFlags {
  readonly name: string;
  readonly dataDir?: string;
}

const what = {
  noSpace: 'the store is above its quota: only reads and deletes are taken',
  lowDisk: 'its disk is nearly full; where most are, only reads and deletes are taken',
  corrupt: 'its data differs from that of the others: it does not serve',
} as const;

/** Alarms that stand until their reason has gone, or until somebody says so. */
export function addAlarm(program: Command): void {
  const alarm = program.command('alarm').description('what stands in the way of writes or of a master');
  clusterOptions(alarm.command('list'))
    .description('show the alarms; exits 1 when there are some')
    .addOption(oneOf('-o, --output <format>', 'output format', ['table', 'json']).default('table'))
    .action(async (flags: AlarmFlags & { readonly output: 'table' | 'json' }) => {
      const { alarms } = await clusterStatus(requireRunning(requireState(flags.name, flags.dataDir)));
      process.exitCode = alarms.length === 0 ? 0 : 1;
      const rows = alarms.map(({ type, member }) => [type, member, what[type]]);
      const text =
        flags.output === 'json'
          ? JSON.stringify(alarms, undefined, 2)
          : formatTable(['ALARM', 'MEMBER', 'MEANING'], rows);
      process.stdout.write(`${text}\n`);
    });
  clusterOptions(alarm.command('disarm'))
    .description('end an alarm of one master, or of all; it is raised again where its reason still holds')
    .argument('<alarm>', Object.keys(what).join(' or '))
    .addOption(new Option('--member <master>', 'of this master alone'))
    .action(async (type: string, flags: AlarmFlags & { readonly member?: string }) => {
      if (!(type in what)) {
        throw new UserError(`there is no alarm "${type}"`, `alarms: ${Object.keys(what).join(', ')}`);
      }
      const state = requireRunning(requireState(flags.name, flags.dataDir));
      const status = await clusterStatus(state);
      // One that is corrupt takes commands no more, and the leader is where they go.
      const asked = state.masters.find(({ name }) => name === status.leader);
      if (asked === undefined) throw new UserError('the cluster has no leader now', 'see `trireme status`');
      await (await AdminClient.open(state)).disarm(asked, type, flags.member);
    });
}
