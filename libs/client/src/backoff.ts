import { ApiError } from '#libs/apimachinery';
import { sleep, systemClock, type Clock } from './clock.js';

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Growth a step; default 2. */
  readonly factor?: number;
  /** Up to this share is added at random; default 0.1. */
  readonly jitter?: number;
  readonly random?: () => number;
}

export interface Backoff {
  /** The next delay in milliseconds. */
  next(): number;
  reset(): void;
}

/** Exponential delays with jitter, so that many clients of one failed server do not return in step. */
export function createBackoff(options: BackoffOptions): Backoff {
  const { baseMs, maxMs, factor = 2, jitter = 0.1, random = Math.random } = options;
  let stepMs = baseMs;
  return {
    next() {
      const delayMs = Math.min(stepMs, maxMs);
      stepMs = Math.min(stepMs * factor, maxMs);
      return delayMs * (1 + jitter * random());
    },
    reset() {
      stepMs = baseMs;
    },
  };
}

export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'Conflict';
}
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'NotFound';
}
export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'AlreadyExists';
}
/** The revision asked for is no longer retained: list again. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 410 || error.reason === 'Expired');
}

export interface RetryOptions {
  /** Attempts in all; default 5 (client-go's retry.DefaultRetry). */
  readonly attempts?: number;
  readonly baseMs?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Runs `attempt` again while it fails with 409 Conflict. `attempt` must read the object afresh each time, or the
 * conflict repeats. The last conflict is thrown when the attempts are used up.
 */
export async function retryOnConflict<T>(
  attempt: (round: number) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = 5, baseMs = 10, clock = systemClock, signal } = options;
  const backoff = createBackoff({ baseMs, maxMs: 1_000, factor: 2, jitter: 0.5 });
  for (let round = 0; ; round++) {
    try {
      return await attempt(round);
    } catch (error) {
      if (!isConflict(error) || round + 1 >= attempts || signal?.aborted === true) throw error;
      await sleep(clock, backoff.next(), signal);
    }
  }
}
