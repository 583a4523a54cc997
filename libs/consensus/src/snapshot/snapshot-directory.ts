import { join } from 'node:path';
import type { SnapshotMetadata } from '#libs/raft';
import { nodeDisk } from '../environment/disk.js';
import type { Disk } from '../environment/disk.js';
import { syncDirectory } from '../log/segment.js';
import { readSnapshotFileMetadata } from './snapshot-file.js';

const keptSnapshots = 2;
const namePattern = /^([0-9a-f]{16})-([0-9a-f]{16})\.snap$/;
const hex = (n: number): string => n.toString(16).padStart(16, '0');

/** File name of a snapshot: `<index>-<term>.snap`, so that names sort by index. */
export function snapshotPath(
  directory: string,
  metadata: { readonly index: number; readonly term: number },
): string {
  return join(directory, `${hex(metadata.index)}-${hex(metadata.term)}.snap`);
}

/** Snapshot files, newest first. */
export function listSnapshots(
  directory: string,
  disk: Disk = nodeDisk,
): { readonly path: string; readonly index: number }[] {
  return disk
    .readdirSync(directory)
    .filter((name) => namePattern.test(name))
    .sort()
    .toReversed()
    .map((name) => ({ path: join(directory, name), index: Number.parseInt(name.slice(0, 16), 16) }));
}

/** Puts a bad file aside under a name that nothing reads, for people to look at. */
export function quarantine(path: string, disk: Disk): string {
  const aside = `${path}.bad`;
  disk.renameSync(path, aside);
  return aside;
}

/**
 * Finds the newest snapshot that can be restored. `restore` reads the file and throws when it does not
 * hold: that file is quarantined, reported, and the next older one is tried.
 */
export function restoreNewest<T>(
  directory: string,
  restore: (path: string, metadata: SnapshotMetadata) => T,
  onBad: (path: string, error: Error) => void,
  disk: Disk,
): { readonly metadata: SnapshotMetadata; readonly restored: T } | undefined {
  for (const name of disk.readdirSync(directory))
    if (name.endsWith('.tmp')) disk.unlinkSync(join(directory, name));
  // A name may be with the kernel only, if the last process was killed behind its rename.
  syncDirectory(directory, disk);
  for (const { path } of listSnapshots(directory, disk)) {
    try {
      const metadata = readSnapshotFileMetadata(path, disk);
      return { metadata, restored: restore(path, metadata) };
    } catch (error) {
      // A file that cannot be read at all (rights, a failing disk) says nothing about its bytes.
      if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
      onBad(quarantine(path, disk), error instanceof Error ? error : new Error(String(error)));
    }
  }
  return undefined;
}

/**
 * Removes all but the newest snapshots up to index `upTo`, what this member has applied; a newer one was received and may
 * be waiting to be loaded. Resolves to the index of the oldest one kept, 0 when fewer are there. In the thread pool: giving
 * back the blocks of a large file takes a while.
 */
export async function pruneSnapshots(directory: string, upTo: number, disk: Disk): Promise<number> {
  const own = listSnapshots(directory, disk).filter(({ index }) => index <= upTo);
  for (const { path } of own.slice(keptSnapshots)) await disk.promises.unlink(path);
  syncDirectory(directory, disk);
  return own.length < keptSnapshots ? 0 : (own[keptSnapshots - 1]?.index ?? 0);
}
