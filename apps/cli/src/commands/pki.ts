import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { createClient, createHttpTransport } from '#libs/client';
import { ensureClusterPki } from '#libs/pki';
import { readKubeconfig } from '../../../node/src/kubeconfig.js';
import { inClusterAccess } from '../pki/in-cluster.js';
import { ensurePkiSecrets } from '../pki/secrets.js';

interface NameFlags {
  readonly masters: readonly string[];
  readonly hosts: readonly string[];
  readonly serviceAddress: string;
}

/** Certificates for masters that no `trireme up` supervises: on machines of their own, or in Kubernetes. */
export function addPki(program: Command): void {
  const pki = program.command('pki').description('certificates and keys of a cluster that runs elsewhere');
  names(pki.command('files'))
    .description('issue or renew them in <dir>/pki, to be copied to every master')
    .requiredOption('--out <dir>', 'directory that gets the folder pki')
    .action(async (flags: NameFlags & { readonly out: string }) => {
      const out = resolve(flags.out);
      await ensureClusterPki(out, flags);
      process.stdout.write(`${join(out, 'pki')}\n`);
    });
  names(pki.command('secrets'))
    .description('issue or renew them in Secrets of the Kubernetes cluster that is to run the masters')
    .requiredOption('--namespace <namespace>', 'where the Secrets are')
    .requiredOption('--prefix <name>', 'the Secrets are <name>-pki, -admin, -nodes and -monitoring')
    .requiredOption('--server <url>', 'URL of the new API in the kubeconfigs')
    .option('--kubeconfig <file>', 'cluster that holds the Secrets (default: the one that this pod runs in)')
    .action(async (flags: SecretFlags) => {
      const access = flags.kubeconfig === undefined ? inClusterAccess() : readKubeconfig(flags.kubeconfig);
      const transport = createHttpTransport(access);
      try {
        const done = await ensurePkiSecrets(createClient(transport), flags);
        for (const [name, outcome] of Object.entries(done))
          process.stdout.write(`secret/${name} ${outcome}\n`);
      } finally {
        await transport.close();
      }
    });
}

interface SecretFlags extends NameFlags {
  readonly namespace: string;
  readonly prefix: string;
  readonly server: string;
  readonly kubeconfig?: string;
}

function names(command: Command): Command {
  const list = (text: string): string[] => text.split(',').filter((part) => part !== '');
  return command
    .addOption(
      new Option('--masters <names>', 'names of all masters, with commas between them')
        .argParser(list)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--hosts <hosts>', 'names and addresses under which they are reached')
        .argParser(list)
        .default([], 'loopback'),
    )
    .option('--service-address <ip>', "address of the new cluster's kubernetes Service", '10.96.0.1');
}
