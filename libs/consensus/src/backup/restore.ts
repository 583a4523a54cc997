import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SnapshotError, restoreStoreAnew } from '#libs/mvcc';
import { asLogIndex, asTerm } from '#libs/raft';
import type { SnapshotMetadata } from '#libs/raft';
import { openDataDirectory } from '../data-dir/data-directory.js';
import { initialConfiguration } from '../membership/member-directory.js';
import type { InitialMember } from '../membership/member-directory.js';
import { DataDirectoryError } from '../errors.js';
import { snapshotPath } from '../snapshot/snapshot-directory.js';
import { writeSnapshotFile } from '../snapshot/snapshot-file.js';
import { BackupError, readBackup, verifyBackup } from './backup-file.js';
import type { VerifiedBackup } from './backup-file.js';

/** A new cluster that begins with a backup's contents. */
export interface RestoreOptions {
  readonly backup: string;
  /** Must differ from the backup's: members of the old cluster and of the new must never take each other for peers. */
  readonly clusterId: string;
  /** All members of the new cluster. */
  readonly members: readonly InitialMember[];
  /** The members whose data directories are written here; each must be absent or empty. */
  readonly targets: readonly { readonly memberId: number; readonly dataDir: string }[];
  /** How far above the backup's its revisions begin. Default 1 000 000 000: more than were written since it was taken. */
  readonly addRevisions?: number;
}

const defaultAddRevisions = 1_000_000_000;

/**
 * Writes the first data directories of a cluster from a backup. Every member must be restored from the same file with the
 * same options. Nothing is written unless the whole backup holds. Throws BackupError, DataDirectoryError (`Foreign`: a
 * directory is in use; `NotWritable`), RangeError (revisions).
 */
export async function restoreBackup(options: RestoreOptions): Promise<VerifiedBackup> {
  const { backup, clusterId, members, targets, addRevisions = defaultAddRevisions } = options;
  const info = await verifyBackup(backup);
  if (info.clusterId === clusterId) {
    throw new BackupError(
      `${backup} is of the cluster '${clusterId}' itself: a restored cluster needs an id of its own, so that what is left of the old one cannot join it`,
    );
  }
  for (const { dataDir } of targets) requireUnused(dataDir);
  const store = read(backup, addRevisions);
  const metadata: SnapshotMetadata = {
    index: asLogIndex(store.appliedIndex),
    term: asTerm(info.term),
    configuration: initialConfiguration(members),
  };
  for (const { memberId, dataDir } of targets) {
    const snapshots = join(dataDir, 'snap');
    // Of a restore that was interrupted: there is no identity yet, so nothing has ever run on it.
    rmSync(snapshots, { recursive: true, force: true });
    mkdirSync(snapshots, { recursive: true, mode: 0o700 });
    await writeSnapshotFile(snapshots, snapshotPath(snapshots, metadata), metadata, store.snapshot());
    // Last, and durable: only a directory with an identity counts as a member's.
    openDataDirectory(dataDir, { clusterId, memberId, members }).release();
  }
  return info;
}

function read(backup: string, addRevisions: number): ReturnType<typeof restoreStoreAnew> {
  try {
    return restoreStoreAnew(readBackup(backup), addRevisions);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new BackupError(`${backup} cannot be restored: ${error.message}`, { cause: error });
  }
}

function requireUnused(dataDir: string): void {
  const used = ['identity', 'wal'].some((name) => entries(dataDir).includes(name));
  if (!used) return;
  throw new DataDirectoryError(
    'Foreign',
    `the data directory ${dataDir} holds a member already. Choose an empty one, or remove it if nothing of it is needed.`,
  );
}

function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
