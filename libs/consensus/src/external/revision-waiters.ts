import { StorageError } from '../storage.js';

export interface RevisionWaitersOptions {
  readonly revision: () => number;
  /** Called now and then while somebody waits: the replica should be told how far it is. */
  readonly prod: () => void;
  /** Called when the replica has not moved for long while somebody waits. */
  readonly onStuck: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

interface Waiter {
  readonly revision: number;
  readonly deadline: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Most waits end by themselves before this: the event is on its way. */
const firstProdMs = 10;
const prodEveryMs = 50;
const stuckMs = 3_000;

/** Callers that wait for the replica to reach a revision. The owner bounds how many there are. */
export class RevisionWaiters {
  readonly #options: RevisionWaitersOptions;
  #waiting: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #movedAt = 0;
  #stopped = false;

  constructor(options: RevisionWaitersOptions) {
    this.#options = options;
  }

  /** Rejects with StorageError Timeout behind `timeoutMs`, or Stopped. */
  reach(revision: number, timeoutMs: number): Promise<void> {
    if (this.#options.revision() >= revision) return Promise.resolve();
    if (this.#stopped) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      const now = this.#options.now();
      if (this.#waiting.length === 0) this.#movedAt = now;
      this.#waiting.push({ revision, deadline: now + timeoutMs, resolve, reject });
      this.#timer ??= setTimeout(() => this.#tick(), firstProdMs);
    });
  }

  /** The replica has moved on. */
  advanced(): void {
    if (this.#waiting.length === 0) return;
    this.#movedAt = this.#options.now();
    const revision = this.#options.revision();
    const due = this.#waiting.filter((waiter) => waiter.revision <= revision);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => waiter.revision > revision);
    for (const { resolve } of due) resolve();
  }

  #tick(): void {
    this.#timer = undefined;
    const now = this.#options.now();
    const late = this.#waiting.filter(({ deadline }) => now >= deadline);
    if (late.length > 0) this.#waiting = this.#waiting.filter(({ deadline }) => now < deadline);
    for (const { reject, revision } of late)
      reject(
        new StorageError(
          'Timeout',
          `this replica has not been told of revision ${revision} in time; it stands at ${this.#options.revision()}`,
        ),
      );
    if (this.#waiting.length === 0) return;
    if (now - this.#movedAt > stuckMs) {
      this.#movedAt = now;
      this.#options.onStuck();
    } else this.#options.prod();
    this.#timer = setTimeout(() => this.#tick(), prodEveryMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(stopped());
  }
}

const stopped = (): StorageError => new StorageError('Stopped', 'this replica is stopping');
