import type { Clock } from '../environment/clock.js';
import { StorageError } from '../storage.js';
import type { Leadership } from '../storage.js';

export interface TransferParts {
  readonly clock: Clock;
  readonly leadership: Leadership;
  readonly onLeadership: (listener: (leadership: Leadership) => void) => () => void;
  /** How long the move may take. */
  readonly patienceMs: number;
  /** Asks for it, of whoever leads. */
  readonly request: () => void;
}

/** Asks the leader to hand over and resolves when another has taken over. Rejects with NoQuorum or Timeout. */
export function transferAway(parts: TransferParts): Promise<void> {
  const { leader, term } = parts.leadership;
  const { patienceMs, clock } = parts;
  if (leader === undefined)
    return Promise.reject(new StorageError('NoQuorum', 'there is no leader to hand over'));
  return new Promise((resolve, reject) => {
    const cancel = clock.after(patienceMs, () => {
      unsubscribe();
      reject(new StorageError('Timeout', `leadership did not move from '${leader}' in ${patienceMs} ms`));
    });
    const unsubscribe = parts.onLeadership((now) => {
      if (now.leader === undefined || now.term === term || now.leader === leader) return;
      cancel();
      clock.soon(() => unsubscribe());
      resolve();
    });
    parts.request();
  });
}
