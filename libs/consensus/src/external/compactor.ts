import { Retention } from '../replica/retention.js';
import { StorageError } from '../storage.js';
import type { EtcdAccess } from './etcd-access.js';

const timeoutMs = 5_000;

/**
 * Compacts etcd as Kubernetes does: every so often, to where it stood that long ago. Only the leader's does; a new leader
 * begins to count anew.
 */
export class Compactor {
  readonly #access: EtcdAccess;
  readonly #everyMs: number;
  readonly #onWarning: (message: string) => void;
  readonly #retention: Retention;
  #lastAt = 0;
  #compacted = 0;
  #count = 0;

  constructor(access: EtcdAccess, everyMs: number, onWarning: (message: string) => void) {
    this.#access = access;
    this.#everyMs = everyMs;
    this.#onWarning = onWarning;
    this.#retention = new Retention(everyMs, Number.POSITIVE_INFINITY);
  }

  /** Compactions done by this replica. */
  get count(): number {
    return this.#count;
  }

  keepHouse(isLeader: boolean, revision: number, nowMs: number): void {
    if (this.#everyMs === 0) return;
    if (!isLeader) {
      this.#retention.reset();
      this.#lastAt = nowMs;
      return;
    }
    if (nowMs - this.#lastAt < this.#everyMs) {
      this.#retention.sample(revision, nowMs);
      return;
    }
    this.#lastAt = nowMs;
    const target = this.#retention.check(revision, this.#compacted, nowMs);
    if (target !== undefined) void this.#compact(target);
  }

  async #compact(revision: number): Promise<void> {
    try {
      await this.#access.repeatable('KV/Compact', { revision }, timeoutMs);
      this.#compacted = revision;
      this.#count++;
    } catch (error) {
      // Somebody else's compaction went further.
      if (error instanceof StorageError && /has been compacted/.test(error.message))
        this.#compacted = revision;
      else
        this.#onWarning(`etcd could not be compacted to revision ${revision}: ${(error as Error).message}`);
    }
  }
}
