/** Time as an argument: the real clock in production, a fake one in specs. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `callback` once after `delayMs`; returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    // Node turns delays above 2^31-1 ms into 1 ms; the longest useful wait is far below.
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), 2_147_483_647));
    return () => clearTimeout(timer);
  },
};

/** RFC 3339 with seconds, UTC, as metav1.Time goes over the wire. */
export function formatTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with microseconds, as metav1.MicroTime goes over the wire. */
export function formatMicroTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z');
}

/** Milliseconds since the epoch; NaN where the text is absent or no time. */
export function parseTime(text: string | undefined): number {
  return text === undefined ? Number.NaN : Date.parse(text);
}

/** Resolves after `delayMs`, or at once when `signal` aborts (it never rejects). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

export interface FakeClock extends Clock {
  /** Moves time on, running what falls due in order, each at its own instant. */
  advance(ms: number): void;
  /** How many timers wait. */
  readonly pending: number;
}

/** A clock that stands still until it is told to move. For specs. */
export function createFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs;
  let sequence = 0;
  const timers = new Map<number, { dueMs: number; callback: () => void }>();
  const nextDue = (limitMs: number): number | undefined => {
    let best: number | undefined;
    let bestDueMs = Number.POSITIVE_INFINITY;
    for (const [id, timer] of timers) {
      if (timer.dueMs <= limitMs && timer.dueMs < bestDueMs) {
        best = id;
        bestDueMs = timer.dueMs;
      }
    }
    return best;
  };
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const id = ++sequence;
      timers.set(id, { dueMs: nowMs + Math.max(delayMs, 0), callback });
      return () => timers.delete(id);
    },
    advance(ms) {
      const limitMs = nowMs + ms;
      for (let id = nextDue(limitMs); id !== undefined; id = nextDue(limitMs)) {
        const timer = timers.get(id);
        timers.delete(id);
        if (timer === undefined) continue;
        nowMs = timer.dueMs;
        timer.callback();
      }
      nowMs = limitMs;
    },
    get pending() {
      return timers.size;
    },
  };
}
