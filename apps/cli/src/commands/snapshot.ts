import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { VerifiedBackup } from '#libs/consensus';
import { resolveKubeconfigPath } from '#libs/pki';
import { AdminClient } from '../cluster/admin-client.js';
import { createState, requireWritable } from '../cluster/launch.js';
import {
  type MasterState,
  readState,
  rememberLocation,
  requireRunning,
  requireState,
  resolveDataDir,
  writeState,
} from '../cluster/state.js';
import { clusterStatus } from '../cluster/status.js';
import { UserError } from '../ui/errors.js';
import { Progress } from '../ui/progress.js';
import { formatTable } from '../ui/table.js';
import { clusterOptions, integer, oneOf } from './options.js';

interface ClusterFlags {
  readonly name: string;
  readonly dataDir?: string;
}

type Output = 'table' | 'json';

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

function addRestore(snapshot: Command, progress: () => Progress): void {
  clusterOptions(snapshot.command('restore'))
    .description('make a new cluster on this machine that begins with a saved snapshot')
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
    .addOption(outputOption())
    .action(async (file: string, flags: RestoreFlags) => {
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

interface RestoreFlags extends ClusterFlags {
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

/** What is wrong with a file, or with where it goes, is the user's to mend. */
async function readable<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { BackupError, DataDirectoryError } = await import('#libs/consensus');
    if (error instanceof BackupError || error instanceof DataDirectoryError || error instanceof RangeError)
      throw new UserError(error.message);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`cannot read ${file}: ${message}`);
  }
}

function outputOption(): Option {
  return oneOf('-o, --output <format>', 'output format', ['table', 'json']).default('table');
}

function print(file: string, backup: VerifiedBackup, output: Output): void {
  const { clusterId, member, takenAtMs, term, index, revision, keyCount, etcdKeyCount, sizeBytes, sha256 } =
    backup;
  const takenAt = new Date(takenAtMs).toISOString();
  if (output === 'json') {
    process.stdout.write(`${JSON.stringify({ file, ...backup, takenAt }, undefined, 2)}\n`);
    return;
  }
  const header = [
    'FILE',
    'CLUSTER',
    'MEMBER',
    'TAKEN',
    'TERM',
    'INDEX',
    'REVISION',
    'KEYS',
    'ETCD KEYS',
    'BYTES',
    'SHA-256',
  ];
  const row = [
    file,
    clusterId,
    member,
    takenAt,
    term,
    index,
    revision,
    keyCount,
    etcdKeyCount,
    sizeBytes,
    sha256,
  ];
  process.stdout.write(`${formatTable(header, [row.map(String)])}\n`);
}
