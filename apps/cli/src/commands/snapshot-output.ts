import { Option } from 'commander';
import type { VerifiedBackup } from '#libs/consensus';
import { UserError } from '../ui/errors.js';
import { formatTable } from '../ui/table.js';
import { oneOf } from './options.js';

export type Output = 'table' | 'json';

/** What is wrong with a file, or with where it goes, is the user's to mend. */
export async function readable<T>(file: string, work: () => Promise<T>): Promise<T> {
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

export function outputOption(): Option {
  return oneOf('-o, --output <format>', 'output format', ['table', 'json']).default('table');
}

/** What a snapshot holds, to standard output. */
export function print(file: string, backup: VerifiedBackup, output: Output): void {
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
