import { performance } from 'node:perf_hooks';
import type { Attempt, Operation, Outcome, WatchStream } from '#libs/history';

export type Service = 'etcd' | 'kubernetes';

/** A refusal that is certain to have had no effect. */
export class Refused extends Error {}

type Distribute<T> = T extends Operation ? Omit<T, 'invokedAt' | 'returnedAt' | 'outcome' | 'result'> : never;
/** What is asked, without what came of it. */
export type Draft = Distribute<Operation>;

/** What one epoch's clients did and saw of one service. */
export class ServiceHistory {
  readonly operations: Operation[] = [];
  readonly attempts: Attempt[] = [];
  readonly streams: WatchStream[] = [];
  /** Acknowledgements in order: when each came. */
  readonly writesAt: number[] = [];
  readonly readsAt: number[] = [];

  /** Performs one operation and records it, whatever comes of it. Throws what the call threw. */
  async perform<R>(draft: Draft, call: () => Promise<R>): Promise<R> {
    const invokedAt = performance.now();
    try {
      const result = await call();
      const returnedAt = performance.now();
      this.operations.push({ ...draft, invokedAt, returnedAt, outcome: 'ok', result } as Operation);
      (draft.kind === 'get' ? this.readsAt : this.writesAt).push(returnedAt);
      return result;
    } catch (error) {
      const outcome = outcomeOf(error);
      this.operations.push({ ...draft, invokedAt, returnedAt: undefined, outcome } as Operation);
      throw error;
    }
  }

  /** Performs one numbered write and records it. Throws what the call threw. */
  async performNumbered(writer: string, sequence: number, call: () => Promise<void>): Promise<void> {
    try {
      await call();
      this.attempts.push({ writer, sequence, outcome: 'ok' });
      this.writesAt.push(performance.now());
    } catch (error) {
      this.attempts.push({ writer, sequence, outcome: outcomeOf(error) });
      throw error;
    }
  }
}

function outcomeOf(error: unknown): Outcome {
  return error instanceof Refused ? 'failed' : 'unknown';
}

/** The longest time within a period in which nothing was acknowledged, in milliseconds. */
export function longestGapMs(times: readonly number[], from: number, to: number): number {
  let last = from;
  let longest = 0;
  for (const time of times) {
    if (time < from) continue;
    if (time > to) break;
    longest = Math.max(longest, time - last);
    last = time;
  }
  return Math.max(longest, to - last);
}
