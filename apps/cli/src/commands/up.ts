import { resolve } from 'node:path';
import type { Command } from 'commander';
import { resolveKubeconfigPath } from '#libs/pki';
import { launch, requireWritable, type UpOptions } from '../cluster/launch.js';
import { ownMode, runSupervisor } from '../cluster/run-supervisor.js';
import { spawnSupervisor, type SupervisorProcess, supervisorReady } from '../cluster/spawn-supervisor.js';
import { readState, resolveDataDir } from '../cluster/state.js';
import { UserError } from '../ui/errors.js';
import { Progress } from '../ui/progress.js';
import { chosenEventsStore } from './events-store-options.js';
import { applyConfigFile, readConfigFile } from './options.js';
import { chosenStorage } from './storage-options.js';
import { type UpFlags, upOptions } from './up-options.js';

export function addUp(program: Command): void {
  upOptions(program.command('up'))
    .description('start a cluster on this machine and supervise it until Ctrl-C (or --detach)')
    .action(async (flags: UpFlags, command: Command) => {
      const file = flags.config;
      const text = file === undefined ? '' : readConfigFile(file);
      if (file !== undefined) applyConfigFile(command, file, text);
      const given = (flag: string): boolean => command.getOptionValueSource(flag) !== 'default';
      const options = toOptions(
        command.opts<UpFlags>(),
        given('port'),
        given('masters') || given('observers'),
      );
      const quiet = program.opts<{ quiet?: boolean }>().quiet;
      const mode = ownMode();
      if (mode !== undefined) return runSupervisor(options, mode);
      const progress = new Progress({ quiet: quiet === true });
      progress.info(`Starting cluster "${options.name}"`);
      if (command.opts<UpFlags>().detach)
        await startDetached(options, progress, file === '-' ? text : undefined);
      else await runForeground(options, progress);
    });
}

function toOptions(flags: UpFlags, portGiven: boolean, membersGiven: boolean): UpOptions {
  const externalStorage = chosenStorage(flags);
  if (flags.masters % 2 === 0) {
    throw new UserError(
      `--masters ${flags.masters}: an even number of masters tolerates no more failures than one less`,
      'choose 1, 3, 5 or 7',
    );
  }
  return {
    name: flags.name,
    dataDir: resolveDataDir(flags.name, flags.dataDir),
    masters: flags.masters,
    observers: flags.observers,
    membersGiven,
    nodes: flags.nodes,
    port: flags.port,
    portGiven,
    kubeconfig: resolve(resolveKubeconfigPath(flags.kubeconfig)),
    waitMs: flags.wait,
    ...(externalStorage === undefined ? {} : { externalStorage }),
    events: chosenEventsStore(flags),
    ...(flags.etcdListen === undefined ? {} : { etcdListen: flags.etcdListen }),
    nodeArgs: ['--pod-start-delay', `${flags.podStartDelay}ms`, '--job-duration', `${flags.jobDuration}ms`],
  };
}

async function runForeground(options: UpOptions, progress: Progress): Promise<void> {
  const supervisor = await launch(options, async (title, work) => progress.step(title, work));
  for (const warning of supervisor.warnings) progress.info(` ! ${warning}`);
  printReady(options, progress, supervisor.state.port);
  progress.info('\nCtrl-C stops the cluster; its data is kept.');
  await new Promise<void>((done) => {
    supervisor.onStopRequested = done;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
  progress.info('');
  await progress.step('Stopping the cluster', async () => supervisor.stop());
}

function printReady(options: UpOptions, progress: Progress, port: number): void {
  const name = options.name === 'trireme' ? '' : ` --name ${options.name}`;
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  const commands = [
    [`npx trireme status${name}`, 'who leads, and how far everyone is'],
    [`npx trireme chaos kill leader${name}`, 'see it fail over'],
  ] as const;
  const width = Math.max(...commands.map(([command]) => command.length));
  progress.info(
    [
      `\nCluster "${options.name}" is ready: ${count(options.masters, 'master')} behind https://127.0.0.1:${port}, ` +
        `${count(options.nodes, 'simulated node')} registering. kubectl's current context is now ${options.name}.`,
      ...commands.map(([command, what]) => `  ${command.padEnd(width)}   ${what}`),
      'Type this next:',
      `  kubectl --context ${options.name} get nodes`,
    ].join('\n'),
  );
}

/** `input` was read from standard input, which the supervisor has to be given again. */
async function startDetached(
  options: UpOptions,
  progress: Progress,
  input: string | undefined,
): Promise<void> {
  requireWritable(options.dataDir);
  let drawn: Promise<unknown> = Promise.resolve();
  const supervisor: SupervisorProcess = {
    mode: 'detached',
    args: process.argv.slice(2),
    dataDir: options.dataDir,
    ...(input === undefined ? {} : { input }),
    onStep: (title, done) => {
      drawn = progress.step(title, async () => done).catch(() => undefined);
    },
  };
  const child = spawnSupervisor(supervisor);
  const warnings = await supervisorReady(child, supervisor);
  child.disconnect();
  child.unref();
  await drawn;
  for (const warning of warnings) progress.info(` ! ${warning}`);
  printReady(options, progress, readState(options.dataDir)?.port ?? options.port);
}
