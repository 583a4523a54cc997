import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, or less where the clients are told to end. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // An aborted wait is a wait that ended.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** A client that stays with one master, or goes to the next when one fails it. */
export class Placement {
  #at: number;

  constructor(
    start: number,
    readonly count: number,
    readonly stays: boolean,
  ) {
    this.#at = start % count;
  }

  get master(): number {
    return this.#at;
  }

  failed(): void {
    if (!this.stays) this.#at = (this.#at + 1) % this.count;
  }
}
