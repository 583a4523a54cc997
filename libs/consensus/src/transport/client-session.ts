import { randomInt } from 'node:crypto';
import type { CommandId } from '#libs/mvcc';

/** What the state machine knows a process by: numbers its commands, and tells which of them have been answered. */
export class ClientSession {
  #id = newSessionId();
  #next = 1;
  /** In the order of their numbers. */
  readonly #open = new Set<number>();

  begin(): number {
    const number = this.#next++;
    this.#open.add(number);
    return number;
  }

  end(number: number): void {
    this.#open.delete(number);
  }

  idOf(number: number): CommandId {
    const [oldest = number] = this.#open;
    return { session: this.#id, sequence: number, answeredBelow: oldest };
  }

  /** The group has forgotten the session of this command. */
  renew({ session }: CommandId): void {
    if (session === this.#id) this.#id = newSessionId();
  }
}

const newSessionId = (): number => randomInt(1, 2 ** 48 - 1);
