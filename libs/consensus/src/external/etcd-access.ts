import { StorageError } from '../storage.js';
import type { EtcdConnection } from './grpc/connection.js';
import { EtcdError, storageError } from './grpc/etcd-error.js';
import type { MethodName, Methods } from './grpc/messages.js';

export interface AccessOptions {
  readonly connection: EtcdConnection;
  /** Out of reach for so long, calls fail at once instead of waiting. */
  readonly patienceMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** An attempt that may be repeated is given up for another endpoint after so long. */
const attemptMs = 2_000;
const pauseMs = 50;

/**
 * Calls that go on to another endpoint when one fails, as far as that is safe, and what they say about etcd's health:
 * `unreachableMs` counts from the first failure behind the last answer of a quorum.
 */
export class EtcdAccess {
  readonly #options: AccessOptions;
  #failingSince: number | undefined;
  #lastAnswerAt = 0;
  #lastError: EtcdError | undefined;
  #closed = false;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  get unreachableMs(): number {
    return this.#failingSince === undefined ? 0 : this.#options.now() - this.#failingSince;
  }

  /** Whether a quorum of etcd has answered lately. */
  get hasQuorum(): boolean {
    return this.unreachableMs <= this.#options.patienceMs / 2;
  }

  /** May be done twice without harm: tried on every endpoint until `timeoutMs` are over. Throws StorageError. */
  async repeatable<Name extends MethodName>(
    name: Name,
    request: Methods[Name][0],
    timeoutMs: number,
  ): Promise<Methods[Name][1]> {
    return this.#run(name, request, timeoutMs, true);
  }

  /**
   * Tried again only where the first attempt has certainly had no effect. Throws StorageError: Timeout where nobody knows.
   */
  async once<Name extends MethodName>(
    name: Name,
    request: Methods[Name][0],
    timeoutMs: number,
  ): Promise<Methods[Name][1]> {
    return this.#run(name, request, timeoutMs, false);
  }

  async #run<Name extends MethodName>(
    name: Name,
    request: Methods[Name][0],
    timeoutMs: number,
    repeatable: boolean,
  ): Promise<Methods[Name][1]> {
    const { connection, now, patienceMs } = this.#options;
    const deadline = now() + timeoutMs;
    for (;;) {
      const startedAt = now();
      const { endpoint } = connection;
      const left = deadline - startedAt;
      try {
        const response = await connection.call(name, request, repeatable ? Math.min(left, attemptMs) : left);
        this.#answered(startedAt);
        return response;
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        if (!error.isUnreachable) {
          if (error.isNotAllowed) this.#failed(error, startedAt);
          else this.#answered(startedAt);
          throw storageError(error);
        }
        this.#failed(error, startedAt);
        connection.moveOn(endpoint);
        if (this.#closed) throw new StorageError('Stopped', 'this replica is stopping');
        if (!repeatable && !error.hadNoEffect) throw storageError(error);
        if (this.unreachableMs > patienceMs) throw this.unreachable();
        if (now() + pauseMs >= deadline) throw new StorageError('Timeout', error.message);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  #answered(startedAt: number): void {
    this.#lastAnswerAt = this.#options.now();
    // An answer to a call from before the trouble says nothing about now.
    if (this.#failingSince !== undefined && startedAt >= this.#failingSince) this.#failingSince = undefined;
  }

  #failed(error: EtcdError, startedAt: number): void {
    this.#lastError = error;
    this.#failingSince ??= Math.max(startedAt, this.#lastAnswerAt);
  }

  unreachable(): StorageError {
    const seconds = (this.unreachableMs / 1_000).toFixed(1);
    const why = this.#lastError === undefined ? '' : `: ${this.#lastError.message}`;
    return new StorageError('NoQuorum', `etcd has been out of reach for ${seconds} s${why}`);
  }

  close(): void {
    this.#closed = true;
  }
}
