import { resolve } from 'node:path';
import type { Command } from 'commander';
import { resolveKubeconfigPath } from '#libs/pki';
import { openListener } from '../../../dashboard/proxy/listener.js';
import { type ClusterAccess, readKubeconfig } from '../../../node/src/kubeconfig.js';
import { type ClusterState, isAlive, readState, resolveDataDir } from '../cluster/state.js';
import { UserError } from '../ui/errors.js';
import { clusterOptions, integer } from './options.js';

interface Flags {
  readonly name: string;
  readonly dataDir?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly port: number;
}

export function addDashboard(program: Command): void {
  clusterOptions(program.command('dashboard'))
    .description("serve the masters' dashboard to a browser on this machine, until Ctrl-C; prints its URL")
    .option(
      '--kubeconfig <file>',
      "whose rights it has (default: the local cluster's, $KUBECONFIG or ~/.kube/config)",
    )
    .option(
      '--context <name>',
      "context of the kubeconfig (default: the local cluster's name, or the current one)",
    )
    .option('--port <port>', 'port on loopback; 0 takes a free one', integer(0, 65_535), 0)
    .action(async (flags: Flags) => {
      const local = localCluster(flags);
      const access = followed(() => accessOf(flags, local));
      // Masters move and come back: what runs is looked up each time, the balancer or Service comes last.
      const candidates = (): string[] => [
        ...(local === undefined ? [] : (readState(local.dataDir)?.masters ?? [])).map(
          ({ apiPort }) => `https://127.0.0.1:${apiPort}`,
        ),
        access().server,
      ];
      const listener = await listen(flags.port, candidates, access);
      process.stdout.write(`${listener.url}\n`);
      process.stderr.write('Open this in a browser on this machine. Ctrl-C ends it.\n');
      await new Promise<void>((done) => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
      });
      await listener.close();
    });
}

/** The cluster on this machine that is meant; none where a kubeconfig is named. */
function localCluster({ name, dataDir, kubeconfig, context }: Flags): ClusterState | undefined {
  if (kubeconfig !== undefined || context !== undefined) return undefined;
  const state = readState(resolveDataDir(name, dataDir));
  return state !== undefined && isAlive(state.supervisorPid) ? state : undefined;
}

function accessOf({ kubeconfig, context }: Flags, local: ClusterState | undefined): ClusterAccess {
  const path = resolve(local?.kubeconfig ?? resolveKubeconfigPath(kubeconfig));
  try {
    return readKubeconfig(path, context ?? local?.name);
  } catch (error) {
    throw new UserError(
      `no access to a cluster: ${(error as Error).message}`,
      'start one with `trireme up`, or name a kubeconfig with --kubeconfig and --context',
    );
  }
}

/** What the kubeconfig holds now. One that cannot be read any more leaves what was there before, and says why. */
function followed(read: () => ClusterAccess): () => ClusterAccess {
  let access = read();
  let said = '';
  return () => {
    try {
      access = read();
      said = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== said) process.stderr.write(`${message}; what it held before is used\n`);
      said = message;
    }
    return access;
  };
}

async function listen(
  port: number,
  candidates: () => readonly string[],
  access: () => ClusterAccess,
): ReturnType<typeof openListener> {
  try {
    return await openListener({ port, candidates, access });
  } catch (error) {
    throw new UserError(
      `cannot listen on 127.0.0.1:${port}: ${(error as Error).message}`,
      'choose another with --port; 0 takes a free one',
    );
  }
}
