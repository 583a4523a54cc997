import type { CommandResult } from '#libs/mvcc';
import type { Random } from '../environment/environment.js';
import type { Unidentified } from './proposals.js';
import { throwIfRefused } from './refusal.js';

type Run = (command: Unidentified) => Promise<CommandResult>;

/** Leases of the Kubernetes space, as the Storage port promises them. */
export class LeaseCommands {
  readonly #run: Run;
  readonly #random: Random;

  constructor(run: Run, random: Random) {
    this.#run = run;
    this.#random = random;
  }

  async grant(ttlSeconds: number): Promise<number> {
    for (;;) {
      const lease = this.#random.randomInt(1, 2 ** 48 - 1);
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
