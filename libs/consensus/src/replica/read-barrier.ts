import type { CancelTimer, Clock } from '../environment/clock.js';
import { StorageError } from '../storage.js';
import { noQuorum } from './proposals.js';

export interface ReadBarrierOptions {
  /** Starts one ReadIndex round under an id that is never used again. */
  readonly request: (context: number) => void;
  readonly appliedIndex: () => number;
  readonly leaderlessMs: () => number;
  readonly noLeaderPatienceMs: number;
  /** A round that brought nothing for so long is started anew. Default 300. */
  readonly roundTimeoutMs?: number;
  readonly clock: Clock;
  /** First id; unlike any of an earlier life of this member. */
  readonly firstContext: number;
}

interface Waiter {
  readonly deadline: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Answered {
  readonly index: number;
  readonly waiters: readonly Waiter[];
}

/** A round that brought nothing (its leader died, its message was dropped) is started anew. */
const defaultRoundTimeoutMs = 300;
const retryMs = 20;
const sweepEveryMs = 20;
/** Beyond it reads are refused: as many wait when no leader answers for seconds, and each holds its request. */
export const maxWaiters = 100_000;

/**
 * Linearizable reads by ReadIndex: one round serves all reads that came before it began; reads that come
 * while it runs wait for the next, since the running one may not cover them.
 */
export class ReadBarrier {
  readonly #options: ReadBarrierOptions;
  #waiting: Waiter[] = [];
  #round: { readonly context: number; readonly startedAt: number; readonly waiters: Waiter[] } | undefined;
  #answered: Answered[] = [];
  #nextContext: number;
  #retryAt = 0;
  #scheduled = false;
  #sweeper: CancelTimer | undefined;
  #stopped = false;

  constructor(options: ReadBarrierOptions) {
    this.#options = options;
    this.#nextContext = options.firstContext;
  }

  wait(timeoutMs: number): Promise<void> {
    if (this.#stopped) return Promise.reject(stopped());
    const leaderless = this.#options.leaderlessMs();
    if (leaderless > this.#options.noLeaderPatienceMs) return Promise.reject(noQuorum(leaderless));
    if (this.#waiters() >= maxWaiters) {
      const why = `${maxWaiters} linearizable reads are waiting already: try again later`;
      return Promise.reject(new StorageError('Overloaded', why));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ deadline: this.#options.clock.now() + timeoutMs, resolve, reject });
      this.#sweeper ??= this.#options.clock.every(sweepEveryMs, () => this.#sweep());
      if (this.#scheduled) return;
      this.#scheduled = true;
      this.#options.clock.soon(() => {
        this.#scheduled = false;
        this.#begin();
      });
    });
  }

  #waiters(): number {
    let count = this.#waiting.length + (this.#round?.waiters.length ?? 0);
    for (const { waiters } of this.#answered) count += waiters.length;
    return count;
  }

  #begin(): void {
    if (this.#round !== undefined || this.#waiting.length === 0 || this.#options.clock.now() < this.#retryAt)
      return;
    const context = this.#nextContext++;
    this.#round = { context, startedAt: this.#options.clock.now(), waiters: this.#waiting };
    this.#waiting = [];
    this.#options.request(context);
  }

  /** The round may read once `index` is applied. Answers to rounds given up mean nothing. */
  answered(context: number, index: number): void {
    const round = this.#round;
    if (round?.context !== context) return;
    this.#round = undefined;
    this.#answered.push({ index, waiters: round.waiters });
    this.applied();
    this.#begin();
  }

  dropped(context: number): void {
    if (this.#round?.context === context) this.#giveUp(retryMs);
  }

  #giveUp(pauseMs: number): void {
    const round = this.#round;
    if (round === undefined) return;
    this.#round = undefined;
    this.#waiting = [...round.waiters, ...this.#waiting];
    this.#retryAt = this.#options.clock.now() + pauseMs;
  }

  /** The leader changed: what was asked of the old one is asked anew. */
  leadershipChanged(): void {
    this.#giveUp(0);
    this.#begin();
  }

  /** The store has advanced. */
  applied(): void {
    if (this.#answered.length === 0) return;
    const index = this.#options.appliedIndex();
    const done = this.#answered.filter((answered) => answered.index <= index);
    if (done.length === 0) return;
    this.#answered = this.#answered.filter((answered) => answered.index > index);
    for (const { waiters } of done) for (const waiter of waiters) waiter.resolve();
  }

  #sweep(): void {
    const now = this.#options.clock.now();
    const leaderless = this.#options.leaderlessMs();
    const error = leaderless > this.#options.noLeaderPatienceMs ? noQuorum(leaderless) : undefined;
    const expire = (waiters: readonly Waiter[]): Waiter[] =>
      waiters.filter((waiter) => {
        if (error === undefined && now < waiter.deadline) return true;
        waiter.reject(error ?? new StorageError('Timeout', 'no leader confirmed the read in time'));
        return false;
      });
    this.#waiting = expire(this.#waiting);
    if (this.#round !== undefined) this.#round = { ...this.#round, waiters: expire(this.#round.waiters) };
    this.#answered = this.#answered
      .map(({ index, waiters }) => ({ index, waiters: expire(waiters) }))
      .filter(({ waiters }) => waiters.length > 0);
    if (
      this.#round !== undefined &&
      now - this.#round.startedAt > (this.#options.roundTimeoutMs ?? defaultRoundTimeoutMs)
    )
      this.#giveUp(0);
    this.#begin();
    if (this.#waiting.length > 0 || this.#round !== undefined || this.#answered.length > 0) return;
    this.#sweeper?.();
    this.#sweeper = undefined;
  }

  stop(): void {
    this.#stopped = true;
    this.#sweeper?.();
    const all = [
      this.#waiting,
      this.#round?.waiters ?? [],
      ...this.#answered.map(({ waiters }) => waiters),
    ].flat();
    this.#waiting = [];
    this.#round = undefined;
    this.#answered = [];
    for (const waiter of all) waiter.reject(stopped());
  }
}

const stopped = (): StorageError => new StorageError('Stopped', 'this replica is stopping');
