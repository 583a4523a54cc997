import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PkiError } from './types.js';

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Turns what the file system says about writing into an error that says what to do; returns others as they are. */
function explainWrite(path: string, error: unknown): unknown {
  const code = codeOf(error);
  const why: Record<string, string> = {
    EROFS: 'the file system is read-only',
    EACCES: 'permission is denied',
    EPERM: 'the operation is not permitted',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    ENOENT: 'a part of the path does not exist',
    ENOTDIR: 'a part of the path is not a directory',
    EEXIST: 'a part of the path is not a directory',
  };
  if (why[code] === undefined) return error;
  return new PkiError(
    'NotWritable',
    `cannot write ${path}: ${why[code]} (${code}). Choose another directory or make this one writable for this user.`,
    { cause: error },
  );
}

/** The file's text, undefined when it does not exist. Throws PkiError Damaged when it is there but cannot be read. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw new PkiError('Damaged', `cannot read ${path}: ${codeOf(error)}. Check its type and permissions.`, {
      cause: error,
    });
  }
}

export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw explainWrite(path, error);
  }
}

/**
 * Writes a file so that a reader, or a crash at any point, sees the old text or the new, never a part: a new
 * file of mode 0600 beside it, synced, then renamed over it.
 */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw explainWrite(path, error);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Removes a lock whose owner has died. Moves it aside first, so that a lock taken meanwhile by another is put back. */
async function breakDeadLock(lock: string): Promise<void> {
  const owner = await readIfPresent(lock);
  const pid = Number(owner);
  if (owner === undefined || owner === '' || !Number.isInteger(pid) || isAlive(pid)) return;
  const aside = `${lock}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(lock, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw explainWrite(lock, error);
  }
  if ((await readIfPresent(aside)) !== owner) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
}

/**
 * Runs `action` while holding `<path>.lock`, the file that client-go and kubectl take around a kubeconfig.
 * Waits up to `timeoutMs` for another holder; a holder of ours that died is noticed by its pid.
 */
export async function withFileLock<T>(
  path: string,
  action: () => Promise<T>,
  timeoutMs = 10_000,
): Promise<T> {
  const lock = `${path}.lock`;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const file = await open(lock, 'wx', 0o600);
      try {
        await file.writeFile(String(process.pid));
      } finally {
        await file.close();
      }
      break;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw explainWrite(lock, error);
    }
    await breakDeadLock(lock);
    if (Date.now() > deadline) {
      throw new PkiError(
        'Locked',
        `${lock} is held by another process for more than ${timeoutMs} ms. Remove it if no other process is at work.`,
      );
    }
    await delay(20);
  }
  try {
    return await action();
  } finally {
    await rm(lock, { force: true });
  }
}
