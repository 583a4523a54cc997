import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { AdminClient } from '../cluster/admin-client.js';
import { askSupervisor } from '../cluster/control.js';
import {
  type ClusterState,
  type MasterState,
  named,
  requireRunning,
  requireState,
} from '../cluster/state.js';
import { clusterStatus } from '../cluster/status.js';
import { UserError } from '../ui/errors.js';
import { clusterOptions, duration, masterArgument, NamesArgument, oneOf } from './options.js';

interface ChaosFlags {
  readonly name: string;
  readonly dataDir?: string;
}

/** Faults on a running local cluster. Each prints the name of the master that it hit. */
export function addChaos(program: Command): void {
  const chaos = program.command('chaos').description('faults on a running local cluster');
  addKill(chaos);
  addSignals(chaos);
  addPartition(chaos);
  addDisk(chaos);
  addHeal(chaos);
  addRestart(chaos);
}

function addKill(chaos: Command): void {
  clusterOptions(chaos.command('kill'))
    .description('kill -9 a master; the supervisor starts it again')
    .addArgument(masterArgument())
    .option('--stay-down', 'keep it away until `chaos start`', false)
    .action(async (which: string, flags: ChaosFlags & { readonly stayDown: boolean }) => {
      const { state, master } = await pick(which, flags);
      await askSupervisor(state.dataDir, { command: 'kill', master: master.name, stayDown: flags.stayDown });
      process.stdout.write(`${master.name}\n`);
    });
  clusterOptions(chaos.command('start'))
    .description('start a master that was kept down')
    .addArgument(new NamesArgument('<master>', 'a master by name'))
    .action(async (name: string, flags: ChaosFlags) => {
      const state = requireRunning(requireState(flags.name, flags.dataDir));
      const master = named(state.masters, name);
      if (master.pid !== undefined)
        throw new UserError(`${master.name} is running already`, 'see `trireme status`');
      await askSupervisor(state.dataDir, { command: 'start', master: master.name });
      process.stdout.write(`${master.name}\n`);
    });
}

function addSignals(chaos: Command): void {
  clusterOptions(chaos.command('pause'))
    .description('stop a master in its tracks (SIGSTOP)')
    .addArgument(masterArgument())
    .action(async (which: string, flags: ChaosFlags) => {
      const { state, master } = await pick(which, flags);
      await askSupervisor(state.dataDir, { command: 'pause', master: master.name });
      process.stdout.write(`${master.name}\n`);
    });
  clusterOptions(chaos.command('resume'))
    .description('let a paused master go on (SIGCONT); without a name, all of them')
    .addArgument(new NamesArgument('[master]', 'a master by name'))
    .action(async (name: string | undefined, flags: ChaosFlags) => {
      const state = requireRunning(requireState(flags.name, flags.dataDir));
      const masters =
        name === undefined
          ? state.masters.filter(({ pid }) => pid !== undefined)
          : [named(state.masters, name)];
      for (const master of masters) {
        await askSupervisor(state.dataDir, { command: 'resume', master: master.name });
        process.stdout.write(`${master.name}\n`);
      }
    });
}

function addPartition(chaos: Command): void {
  clusterOptions(chaos.command('partition'))
    .description('cut a master off from its peers until `chaos heal`; clients still reach it')
    .addArgument(masterArgument())
    .addOption(oneOf('--direction <direction>', 'which way is cut', ['both', 'in', 'out']).default('both'))
    .action(async (which: string, flags: ChaosFlags & { readonly direction: 'both' | 'in' | 'out' }) => {
      const { state, master } = await pick(which, flags);
      const { direction } = flags;
      await askSupervisor(state.dataDir, { command: 'partition', master: master.name, direction });
      process.stdout.write(`${master.name}\n`);
    });
}

function addDisk(chaos: Command): void {
  clusterOptions(chaos.command('slow-disk'))
    .description("slow the writes of a master's log until `chaos heal`")
    .addArgument(masterArgument())
    .addOption(
      new Option('--delay <time>', 'how much longer each takes').default(200, '200ms').argParser(duration),
    )
    .action(async (which: string, flags: ChaosFlags & { readonly delay: number }) => {
      const { state, master } = await pick(which, flags);
      await (await AdminClient.open(state)).disk(master, { delayMs: flags.delay });
      process.stdout.write(`${master.name}\n`);
    });
  clusterOptions(chaos.command('full-disk'))
    .description("let a master's log find no space until `chaos heal`: it stops, and cannot start")
    .addArgument(masterArgument())
    .action(async (which: string, flags: ChaosFlags) => {
      const { state, master } = await pick(which, flags);
      await (await AdminClient.open(state)).disk(master, { full: true }).catch((error: unknown) => {
        // It may have stopped before its answer was out; then it finds the fault again at its next start.
        if (!isFull(state, master)) throw error;
      });
      process.stdout.write(`${master.name}\n`);
    });
}

/** Where a master remembers the fault of its disk over restarts. */
const diskFaultPath = (state: ClusterState, master: MasterState): string =>
  join(state.dataDir, 'masters', master.name, 'injected-disk-fault.json');

function isFull(state: ClusterState, master: MasterState): boolean {
  const path = diskFaultPath(state, master);
  return existsSync(path) && readFileSync(path, 'utf8').includes('"full":true');
}

function addHeal(chaos: Command): void {
  clusterOptions(chaos.command('heal'))
    .description('join all masters again, and mend their disks')
    .action(async (flags: ChaosFlags) => {
      const state = requireRunning(requireState(flags.name, flags.dataDir));
      const client = await AdminClient.open(state);
      await Promise.all(
        state.masters.map(async (master) => {
          // A master that a full disk has stopped cannot be asked: it finds the fault gone when it starts.
          rmSync(diskFaultPath(state, master), { force: true });
          if ((await client.report(master)) === undefined) return;
          await client.disk(master, {}).catch(async (error: unknown) => {
            // It may have stopped for want of space just now.
            if ((await client.report(master)) !== undefined) throw error;
          });
        }),
      );
      await askSupervisor(state.dataDir, { command: 'heal' });
    });
}

function addRestart(chaos: Command): void {
  clusterOptions(chaos.command('restart'))
    .description('stop a master in an orderly way and start it again, also with another installation')
    .addArgument(masterArgument())
    .option('--installation <folder>', 'of another built version; without it, the one of this supervisor')
    .action(async (which: string, flags: ChaosFlags & { readonly installation?: string }) => {
      const { state, master } = await pick(which, flags);
      const { installation } = flags;
      await askSupervisor(state.dataDir, {
        command: 'restart',
        master: master.name,
        ...(installation === undefined ? {} : { installation: resolve(installation) }),
      });
      process.stdout.write(`${master.name}\n`);
    });
}

async function pick(which: string, flags: ChaosFlags): Promise<{ state: ClusterState; master: MasterState }> {
  const state = requireRunning(requireState(flags.name, flags.dataDir));
  let name: string | undefined = which;
  if (which === 'leader' || which === 'follower') {
    const status = await clusterStatus(state);
    const isLeader = (member: { name: string }): boolean => member.name === status.leader;
    name = status.members.find((member) =>
      which === 'leader' ? isLeader(member) : member.healthy && !isLeader(member),
    )?.name;
    if (name === undefined) throw new UserError(`the cluster has no ${which} now`, 'see `trireme status`');
  }
  return { state, master: named(state.masters, name) };
}
