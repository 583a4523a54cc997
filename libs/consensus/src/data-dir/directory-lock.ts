import { closeSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DataDirectoryError } from '../errors.js';

/** Directories locked by this very process: the file cannot tell these apart. */
const heldHere = new Set<string>();

/**
 * Identifies a process beyond the reuse of its id: boot id and start time where /proc tells them.
 * Undefined when the process does not exist.
 */
function processIdentity(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${pid} ${boot} ${started}`;
  } catch {
    // No /proc (macOS): the id alone has to do.
    return `${pid}`;
  }
}

/**
 * Keeps a second process from the directory; returns the release. A lock whose holder is gone (kill -9,
 * power loss) is taken over. Throws DataDirectoryError Locked naming the holder.
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, 'lock');
  if (heldHere.has(path)) {
    throw new DataDirectoryError(
      'Locked',
      `the data directory ${directory} is already in use by this process`,
    );
  }
  const mine = processIdentity(process.pid) ?? `${process.pid}`;
  const temporary = `${path}.${process.pid}.tmp`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, mine);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  try {
    takeOver(path, temporary, directory);
  } finally {
    unlinkSync(temporary);
  }
  heldHere.add(path);
  return () => {
    if (heldHere.delete(path)) unlinkSync(path);
  };
}

function takeOver(path: string, temporary: string, directory: string): void {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      // A hard link appears whole or not at all, and only one of two processes gets it.
      linkSync(temporary, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readFileSync(path, 'utf8').trim();
    const pid = Number.parseInt(holder, 10);
    if (pid !== process.pid && Number.isSafeInteger(pid) && processIdentity(pid) === holder) {
      throw new DataDirectoryError(
        'Locked',
        `the data directory ${directory} is in use by process ${pid}. Stop that process, or give this one a directory of its own.`,
      );
    }
    unlinkSync(path);
  }
  throw new DataDirectoryError(
    'Locked',
    `the lock of ${directory} is taken again and again by other processes`,
  );
}
