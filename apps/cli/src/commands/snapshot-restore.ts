import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { VerifiedBackup } from '#libs/consensus';
import { resolveKubeconfigPath } from '#libs/pki';
import { loadMasterConfig, type MasterConfig } from '../../../master/src/config.js';
import { createState, requireWritable } from '../cluster/launch.js';
import { readState, rememberLocation, resolveDataDir, writeState } from '../cluster/state.js';
import { UserError } from '../ui/errors.js';
import type { Progress } from '../ui/progress.js';
import { clusterOptions, integer } from './options.js';
import { type Output, outputOption, print, readable } from './snapshot-output.js';

export function addRestore(snapshot: Command, progress: () => Progress): void {
  clusterOptions(snapshot.command('restore'))
    .description(
      'make a new cluster on this machine that begins with a saved snapshot, or one master of it by its configuration',
    )
    .argument('<file>', 'a saved snapshot')
    .addOption(new Option('--masters <n>', 'master replicas (odd)').default(3).argParser(integer(1, 7)))
    .addOption(
      new Option('--port <port>', 'port of the balancer; 0 takes free ones')
        .default(6443)
        .argParser(integer(0, 65_000)),
    )
    .addOption(
      new Option('--bump-revision <n>', 'how far above those of the file its revisions begin')
        .default(1_000_000_000)
        .argParser(integer(1, 2 ** 52)),
    )
    .option(
      '--config <file>',
      'of `trireme master`: restore that master alone; do the same for each of the others',
    )
    .addOption(
      new Option('--member <name>', 'which master, where the configuration leaves it open').env(
        'TRIREME_MASTER_NAME',
      ),
    )
    .addOption(outputOption())
    .action(async (file: string, flags: RestoreFlags, command: Command) => {
      if (flags.config !== undefined) {
        refuseLocalFlags(command);
        await restoreMember(file, { ...flags, config: flags.config }, progress());
        return;
      }
      const dataDir = resolveDataDir(flags.name, flags.dataDir);
      requireWritable(dataDir);
      if (readState(dataDir) !== undefined) {
        throw new UserError(
          `${dataDir} holds a cluster already`,
          'a snapshot makes a new cluster: choose another --name or --data-dir, or remove that one with `trireme reset`',
        );
      }
      const steps = progress();
      const restored = await steps.step(`Restoring ${flags.masters} masters`, async () =>
        readable(file, async () => restoreLocal(resolve(file), dataDir, flags)),
      );
      print(file, restored, flags.output);
      steps.info(`\nType this next:\n  trireme up --name ${flags.name}`);
    });
}

interface RestoreFlags {
  readonly name: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly member?: string;
  readonly masters: number;
  readonly port: number;
  readonly bumpRevision: number;
  readonly output: Output;
}

async function restoreLocal(backup: string, dataDir: string, flags: RestoreFlags): Promise<VerifiedBackup> {
  const state = await createState({
    name: flags.name,
    dataDir,
    port: flags.port,
    masters: flags.masters,
    nodes: 3,
    kubeconfig: resolve(resolveKubeconfigPath()),
  });
  const { restoreBackup } = await import('#libs/consensus');
  const restored = await restoreBackup({
    backup,
    clusterId: state.clusterId,
    members: state.masters.map(({ id, name, peerPort }) => ({ id, name, host: '127.0.0.1', port: peerPort })),
    targets: state.masters.map(({ id, name }) => ({ memberId: id, dataDir: join(dataDir, 'masters', name) })),
    addRevisions: flags.bumpRevision,
  });
  writeState(state);
  rememberLocation(state.name, dataDir);
  return restored;
}

/** Its configuration says where its data go and who the others are. */
function refuseLocalFlags(command: Command): void {
  const local = command.options.find(
    (option) =>
      ['name', 'dataDir', 'masters', 'port'].includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (local === undefined) return;
  throw new UserError(`${local.long} is not for one master`, 'leave it out: the file of --config says it');
}

/** All masters of the new cluster are restored from the same file, each where it will run; none starts before. */
async function restoreMember(
  file: string,
  flags: RestoreFlags & { readonly config: string },
  steps: Progress,
): Promise<void> {
  const config = configOf(flags);
  const restored = await steps.step(`Restoring ${config.name}`, async () =>
    readable(file, async () => {
      const { restoreBackup } = await import('#libs/consensus');
      return restoreBackup({
        backup: resolve(file),
        clusterId: config.clusterId,
        members: config.members.map((member) => ({
          ...member,
          observer: member.observer ?? (config.observer && member.id === config.memberId),
        })),
        targets: [{ memberId: config.memberId, dataDir: config.dataDir }],
        addRevisions: flags.bumpRevision,
      });
    }),
  );
  print(file, restored, flags.output);
  const others = config.members.filter(({ id }) => id !== config.memberId).map(({ name }) => name);
  const first = others.length === 0 ? '' : `\nRestore ${others.join(', ')} from the same file, too.`;
  steps.info(`${first}\nType this next:\n  trireme master --config ${flags.config}`);
}

function configOf({ config: path, member }: RestoreFlags & { readonly config: string }): MasterConfig {
  let config: MasterConfig;
  try {
    config = loadMasterConfig(path, member === undefined ? {} : { name: member });
  } catch (error) {
    throw new UserError((error as Error).message, 'see "One master" in docs/operations.md');
  }
  if (config.join) {
    throw new UserError(
      `${config.name} joins a cluster that runs, and gets everything from there`,
      'restore the first members of the new cluster; none of those has `join`',
    );
  }
  if (config.storage !== undefined) {
    throw new UserError(
      `${config.name} stores in an external etcd`,
      'restore that with `etcdutl snapshot restore`',
    );
  }
  return config;
}
