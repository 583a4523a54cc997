import type { Store } from '#libs/mvcc';
import { encodeBackup } from './backup-file.js';
import type { BackupInfo } from './backup-file.js';

/** A backup on its way: what it is of, and its bytes, made as they are asked for and iterated once. */
export interface Backup {
  readonly info: BackupInfo;
  readonly bytes: Iterable<Uint8Array>;
}

/** Of the state as it is now, however much is written before its last byte is read. */
export function takeBackup(
  { clusterId, name }: { readonly clusterId: string; readonly name: string },
  { store, lastTerm }: { readonly store: Store; readonly lastTerm: number },
): Backup {
  const info: BackupInfo = {
    clusterId,
    member: name,
    takenAtMs: Date.now(),
    index: store.appliedIndex,
    term: lastTerm,
    revision: store.revision,
    keyCount: store.keyCount,
    etcdRevision: store.etcd.revision,
    etcdKeyCount: store.etcd.keyCount,
  };
  return { info, bytes: encodeBackup(info, store.snapshot()) };
}
