import type { CommandResult } from '#libs/mvcc';
import { StorageError } from '../storage.js';
import { quotaError } from './safeguards.js';

/** Throws what the Storage port promises for a command that the state machine refused; nothing was written. */
export function throwIfRefused({ refused }: CommandResult): void {
  switch (refused) {
    case undefined:
      return;
    case 'fenced':
      throw new StorageError('Fenced', 'another term rules; nothing was written');
    case 'leaseNotFound':
      throw new StorageError('LeaseNotFound', 'the lease does not exist or has expired; nothing was written');
    case 'noSpace':
      throw quotaError('the alarm NOSPACE is raised');
    default:
      throw new StorageError('BadRequest', `the write was refused: ${refused}`);
  }
}
