import { join } from 'node:path';
import { nodeDisk } from '../environment/disk.js';
import type { Disk } from '../environment/disk.js';
import { DataDirectoryError, rebuildAdvice } from '../errors.js';
import type { InitialMember } from '../membership/member-directory.js';
import { syncDirectory } from '../log/segment.js';
import { lockDirectory } from './directory-lock.js';

export interface Identity {
  readonly clusterId: string;
  readonly memberId: number;
  /** The first members of the cluster; of a server that joins one, those that it knows of. */
  readonly members: readonly InitialMember[];
  /** It was added to a cluster that runs, and starts without a configuration. */
  readonly join?: boolean;
}

/** An opened and locked data directory. */
export interface DataDirectory {
  readonly logDirectory: string;
  readonly snapshotDirectory: string;
  /** As stored at the first start; addresses follow what this start was given. */
  readonly members: readonly InitialMember[];
  /** As stored at the first start. */
  readonly joined: boolean;
  /** True at the very first start. */
  readonly fresh: boolean;
  release(): void;
}

const firstLine = 'trireme-member 1';
const word = /^[A-Za-z0-9._:[\]-]+$/;

function encodeIdentity(identity: Identity): string {
  const words = [identity.clusterId, ...identity.members.flatMap(({ name, host }) => [name, host])];
  for (const one of words) {
    if (!word.test(one)) throw new RangeError(`'${one}' cannot be stored: letters, digits and . _ : - only`);
  }
  const members = identity.members.map(
    ({ id, name, host, port, observer = false }) =>
      `peer ${id} ${name} ${host} ${port}${observer ? ' observer' : ''}`,
  );
  const join = identity.join === true ? ['join'] : [];
  const whose = [`cluster ${identity.clusterId}`, `member ${identity.memberId}`];
  return [firstLine, ...whose, ...members, ...join, ''].join('\n');
}

function decodeIdentity(text: string, path: string): Identity {
  const lines = text.split('\n').map((line) => line.split(' '));
  const clusterId = lines[1]?.[0] === 'cluster' ? lines[1][1] : undefined;
  const memberId = lines[2]?.[0] === 'member' ? Number(lines[2][1]) : Number.NaN;
  if (lines[0]?.join(' ') !== firstLine || clusterId === undefined || !Number.isSafeInteger(memberId)) {
    throw new DataDirectoryError('Damaged', `${path} is not a member's identity. ${rebuildAdvice}`);
  }
  const members = lines
    .slice(3)
    .filter(([kind]) => kind === 'peer')
    .map(([, id, name, host, port, kind]) => ({
      id: Number(id),
      name: name ?? '',
      host: host ?? '',
      port: Number(port),
      observer: kind === 'observer',
    }));
  return { clusterId, memberId, members, join: lines.some(([kind]) => kind === 'join') };
}

/** Whole or not at all, and durable: a temporary file, its sync, its rename, the directory's sync. */
function writeDurably(directory: string, name: string, text: string, disk: Disk): void {
  const temporary = join(directory, `${name}.tmp`);
  const fd = disk.openSync(temporary, 'w', 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += disk.writeSync(fd, bytes, at, bytes.length - at, at);
    disk.fsyncSync(fd);
  } finally {
    disk.closeSync(fd);
  }
  disk.renameSync(temporary, join(directory, name));
  syncDirectory(directory, disk);
}

function adopt(stored: Identity, given: Identity, directory: string): Identity {
  if (stored.clusterId !== given.clusterId || stored.memberId !== given.memberId) {
    throw new DataDirectoryError(
      'Foreign',
      `the data directory ${directory} belongs to member ${stored.memberId} of cluster ${stored.clusterId}, not to member ${given.memberId} of ${given.clusterId}. Start with the data directory of this member, or with an empty one.`,
    );
  }
  const addresses = new Map(given.members.map((member) => [member.id, member]));
  const members = stored.members.map((member) => {
    const { host, port } = addresses.get(member.id) ?? member;
    return { ...member, host, port };
  });
  return { ...stored, members };
}

/**
 * Opens, checks and locks a data directory, creating it at the first start. Throws DataDirectoryError:
 * `NotWritable`, `Locked` (another process), `Foreign` (another cluster or member), `Damaged`.
 */
export function openDataDirectory(
  directory: string,
  given: Identity,
  disk: Disk = nodeDisk,
  lock: (directory: string) => () => void = lockDirectory,
): DataDirectory {
  const logDirectory = join(directory, 'wal');
  const snapshotDirectory = join(directory, 'snap');
  let release: () => void = () => undefined;
  try {
    disk.mkdirSync(directory, { recursive: true, mode: 0o700 });
    release = lock(directory);
    disk.mkdirSync(logDirectory, { recursive: true, mode: 0o700 });
    disk.mkdirSync(snapshotDirectory, { recursive: true, mode: 0o700 });
    const path = join(directory, 'identity');
    const fresh = !disk.existsSync(path);
    const identity = fresh
      ? given
      : adopt(decodeIdentity(disk.readFileSync(path).toString('utf8'), path), given, directory);
    if (fresh) writeDurably(directory, 'identity', encodeIdentity(given), disk);
    const { members, join: joined = false } = identity;
    return { logDirectory, snapshotDirectory, members, joined, fresh, release };
  } catch (error) {
    release();
    throw explain(error, directory);
  }
}

function explain(error: unknown, directory: string): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST', 'EIO'].includes(code)) return error;
  return new DataDirectoryError(
    'NotWritable',
    `the data directory ${directory} cannot be written (${code}). Check its owner and mode, that its file system is mounted writable, and that it has space.`,
    { cause: error },
  );
}
