import { randomInt } from 'node:crypto';
import type { CommandResult } from '#libs/mvcc';
import type { Unidentified } from './proposals.js';
import { throwIfRefused } from './refusal.js';

type Run = (command: Unidentified) => Promise<CommandResult>;

/** Leases of the Kubernetes space, as the Storage port promises them. */
export class LeaseCommands {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async grant(ttlSeconds: number): Promise<number> {
    for (;;) {
      const lease = randomInt(1, 2 ** 48 - 1);
      const result = await this.#run({ type: 'leaseGrant', lease, ttlSeconds });
      if (result.refused === 'leaseExists') continue;
      throwIfRefused(result);
      return lease;
    }
  }

  async renew(lease: number): Promise<void> {
    throwIfRefused(await this.#run({ type: 'leaseRenew', lease }));
  }

  async revoke(lease: number): Promise<void> {
    throwIfRefused(await this.#run({ type: 'leaseRevoke', lease }));
  }
}
