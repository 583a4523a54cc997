/** Says how long a key that failed must wait; grows with its failures. */
export interface RateLimiter {
  /** Delay in milliseconds of the next try; counts a failure of `key`. */
  when(key: string): number;
  forget(key: string): void;
  failures(key: string): number;
}

export interface RateLimiterOptions {
  /** Default 5. */
  readonly baseMs?: number;
  /** Default 1 000 000. */
  readonly maxMs?: number;
  /** Overall retries a second; default 100 (client-go: 10, set for a client limited to 20 requests a second). */
  readonly qps?: number;
  /** Retries that may go at once before `qps` holds; default 1 000. */
  readonly burst?: number;
  readonly now: () => number;
}

/** client-go's DefaultControllerRateLimiter: exponential for each key, and a token bucket over all; the longer wait wins. */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { baseMs = 5, maxMs = 1_000_000, qps = 100, burst = 1_000, now } = options;
  const failures = new Map<string, number>();
  const bucket = createTokenBucket({ qps, burst, now });
  return {
    when(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      return Math.max(Math.min(baseMs * 2 ** Math.min(count, 60), maxMs), bucket.reserve());
    },
    forget: (key) => void failures.delete(key),
    failures: (key) => failures.get(key) ?? 0,
  };
}

export interface TokenBucket {
  /** Takes a token, in debt where need be; the milliseconds until it is due. */
  reserve(): number;
  /** Takes a token if there is one. */
  tryTake(): boolean;
}

export function createTokenBucket(options: { qps: number; burst: number; now: () => number }): TokenBucket {
  const { qps, burst, now } = options;
  let tokens = burst;
  let lastMs = now();
  const refill = (): void => {
    const nowMs = now();
    tokens = Math.min(burst, tokens + ((nowMs - lastMs) / 1_000) * qps);
    lastMs = nowMs;
  };
  return {
    reserve() {
      refill();
      tokens -= 1;
      return tokens >= 0 ? 0 : (-tokens / qps) * 1_000;
    },
    tryTake() {
      refill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
