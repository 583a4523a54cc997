import type { WorkQueue } from './work-queue.js';

/**
 * Brings the world nearer to what the object under `key` wants. Level-based: it is told that something about the
 * object changed, never what; it reads the present state, acts, and returns. It may be called at any time, twice
 * for one change or once for many; the object may be gone. Returns when to look again, if at all; throws to be
 * called again later, with growing delays.
 */
export type Reconcile = (
  key: string,
  signal: AbortSignal,
) => Promise<{ readonly requeueAfterMs?: number } | void>;

export interface ControllerOptions {
  readonly name: string;
  readonly queue: WorkQueue;
  /** Keys reconciled at the same time; default 1. */
  readonly workers?: number;
  readonly reconcile: Reconcile;
  /** Ends the controller: the queue is shut down, `reconcile` sees the abort. */
  readonly signal: AbortSignal;
  /** A reconcile that failed; it will be tried again. */
  readonly onError?: (error: unknown, key: string, controller: string) => void;
}

/** Runs workers until the signal aborts. Resolves when the last reconcile has returned. */
export async function runController(options: ControllerOptions): Promise<void> {
  const { queue, workers = 1, signal } = options;
  const stop = (): void => queue.shutDown();
  if (signal.aborted) return stop();
  signal.addEventListener('abort', stop, { once: true });
  await Promise.all(Array.from({ length: workers }, () => work(options)));
  signal.removeEventListener('abort', stop);
}

async function work(options: ControllerOptions): Promise<void> {
  const { name, queue, reconcile, signal, onError } = options;
  for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
    try {
      const result = await reconcile(key, signal);
      queue.forget(key);
      if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
    } catch (error) {
      if (!signal.aborted) {
        onError?.(error, key, name);
        queue.addRateLimited(key);
      }
    } finally {
      queue.done(key);
    }
  }
}
