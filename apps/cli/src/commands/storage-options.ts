import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseEtcdUrl } from '#libs/consensus';
import type { ExternalStorage } from '../cluster/state.js';
import { UserError } from '../ui/errors.js';

/** Flags of an external etcd, named as the keys of a master's configuration. */
export type StorageFlags = Partial<ExternalStorage>;

/** `--storage` and what belongs to it. */
export function storageOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--storage <url>',
        'store in an external etcd: etcd://host:port[,host:port…][/prefix], etcds:// for TLS',
      )
        .env('TRIREME_STORAGE')
        .argParser(etcdUrl),
    )
    .addOption(fileOption('--storage-ca-file <file>', "PEM of the authority of etcd's certificate"))
    .addOption(fileOption('--storage-cert-file <file>', 'PEM of the certificate that etcd asks for'))
    .addOption(fileOption('--storage-key-file <file>', 'PEM of its private key'))
    .addOption(new Option('--storage-user <name>', 'user of etcd').env('TRIREME_STORAGE_USER'))
    .addOption(fileOption('--storage-password-file <file>', 'file with its password'));
}

function fileOption(flags: string, description: string): Option {
  const name = /^--(\S+)/.exec(flags)![1]!;
  return new Option(flags, description).env(`TRIREME_${name.toUpperCase().replaceAll('-', '_')}`);
}

function etcdUrl(text: string): string {
  try {
    parseEtcdUrl(text);
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
  return text;
}

/** What the flags say of the storage; undefined for the embedded log. Throws UserError for a file that is not there. */
export function chosenStorage(flags: StorageFlags): ExternalStorage | undefined {
  const { storage, storageUser, ...others } = flags;
  const files = {
    storageCaFile: others.storageCaFile,
    storageCertFile: others.storageCertFile,
    storageKeyFile: others.storageKeyFile,
    storagePasswordFile: others.storagePasswordFile,
  };
  const given = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (storage === undefined) {
    if (given.length > 0 || storageUser !== undefined)
      throw new UserError(
        'flags of an external etcd were given without --storage',
        'add --storage etcd://host:port',
      );
    return undefined;
  }
  const missing = given.find(([, path]) => !existsSync(path));
  if (missing !== undefined) throw new UserError(`there is no file ${missing[1]}`, 'correct its path');
  // The masters run in directories of their own.
  const paths = Object.fromEntries(given.map(([key, path]) => [key, resolve(path)]));
  return { storage, ...(storageUser === undefined ? {} : { storageUser }), ...paths };
}
