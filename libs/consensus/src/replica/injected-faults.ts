import type { DiskFault } from '../environment/faulty-disk.js';
import { StorageError } from '../storage.js';
import type { ToThread } from '../thread/protocol.js';

export interface InjectedFaultsParts {
  /** Whether the replica was opened for faults of its disk. */
  readonly diskFaults: boolean;
  readonly idOf: (member: string) => number | undefined;
  readonly post: (message: ToThread) => void;
}

/** Faults that are asked for, for tests and labs: links that are cut, a disk that is slow or full. */
export class InjectedFaults {
  readonly #parts: InjectedFaultsParts;
  /** Callers whose fault is on its way to the thread. */
  readonly #setting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #stopped = false;

  constructor(parts: InjectedFaultsParts) {
    this.#parts = parts;
  }

  /** See Replica.partition. */
  partition(members: readonly string[], direction: 'both' | 'in' | 'out'): void {
    const { idOf, post } = this.#parts;
    const ids = members.map(idOf).filter((id) => id !== undefined);
    const outgoing = direction === 'in' ? [] : ids;
    const incoming = direction === 'out' ? [] : ids;
    post({ kind: 'cut', outgoing, incoming });
  }

  /** See Replica.diskFault. */
  disk(fault: DiskFault): Promise<void> {
    const { diskFaults, post } = this.#parts;
    if (!diskFaults)
      return Promise.reject(
        new StorageError('BadRequest', 'this replica was opened without fault injection'),
      );
    if (this.#stopped) return Promise.reject(stopping());
    return new Promise((resolve, reject) => {
      this.#setting.push({ resolve, reject });
      post({ kind: 'diskFault', fault });
    });
  }

  /** The thread says that a fault of the disk is in force. */
  diskFaultSet(): void {
    this.#setting.shift()?.resolve();
  }

  stop(): void {
    this.#stopped = true;
    for (const { reject } of this.#setting.splice(0)) reject(stopping());
  }
}

const stopping = (): StorageError => new StorageError('Stopped', 'this replica is stopping');
