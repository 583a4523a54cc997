import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type KubeconfigEntry, kubeconfig, mergeKubeconfig, resolveKubeconfigPath } from '#libs/pki';
import { type ClusterState, requireState } from '../cluster/state.js';
import { clusterOptions } from './options.js';

interface Flags {
  readonly name: string;
  readonly dataDir?: string;
  readonly print: boolean;
  readonly kubeconfig?: string;
}

async function entryOf(state: ClusterState): Promise<KubeconfigEntry> {
  const read = async (name: string): Promise<string> => readFile(join(state.dataDir, 'pki', name), 'utf8');
  const [caPem, certPem, keyPem] = await Promise.all([read('ca.crt'), read('admin.crt'), read('admin.key')]);
  return { name: state.name, server: `https://127.0.0.1:${state.port}`, caPem, certPem, keyPem };
}

export function addKubeconfig(program: Command): void {
  clusterOptions(program.command('kubeconfig'))
    .description("merge the cluster's context into your kubeconfig, or print it")
    .option('--print', 'print a kubeconfig of its own to standard output', false)
    .option('--kubeconfig <file>', 'kubeconfig to write (default: $KUBECONFIG or ~/.kube/config)')
    .action(async (flags: Flags) => {
      const state = requireState(flags.name, flags.dataDir);
      const entry = await entryOf(state);
      if (flags.print) {
        process.stdout.write(kubeconfig(entry));
        return;
      }
      const path = resolve(resolveKubeconfigPath(flags.kubeconfig));
      await mergeKubeconfig(path, entry);
      process.stderr.write(`${path} now has the context ${state.name}\n`);
    });
}
