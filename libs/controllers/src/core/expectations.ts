/**
 * What a controller has done and its cache has not shown yet. Without it, a controller that sees a stale cache makes
 * the same pods again. A key is satisfied when all its creations and deletions were seen, or after five minutes
 * (an event that never comes must not stop a controller for good).
 */
export class Expectations {
  readonly #entries = new Map<
    string,
    { creations: number; readonly deletions: Set<string>; sinceMs: number }
  >();
  readonly #now: () => number;
  static readonly timeoutMs = 300_000;

  constructor(now: () => number) {
    this.#now = now;
  }

  satisfied(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return true;
    if (entry.creations <= 0 && entry.deletions.size === 0) return true;
    return this.#now() - entry.sinceMs > Expectations.timeoutMs;
  }

  /** Replaces what was expected of the key: call only while it is satisfied. */
  expectCreations(key: string, count: number): void {
    this.#entries.set(key, { creations: count, deletions: new Set(), sinceMs: this.#now() });
  }

  expectDeletions(key: string, objects: readonly string[]): void {
    this.#entries.set(key, { creations: 0, deletions: new Set(objects), sinceMs: this.#now() });
  }

  /** Expects more of a key that may be waiting already. */
  raise(key: string, creations: number, deletions: readonly string[] = []): void {
    const entry = this.#entries.get(key) ?? { creations: 0, deletions: new Set<string>(), sinceMs: 0 };
    entry.creations += creations;
    entry.sinceMs = this.#now();
    for (const object of deletions) entry.deletions.add(object);
    this.#entries.set(key, entry);
  }

  /** Seen in the cache, or failed and so never to be seen. */
  creationObserved(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.creations > 0) entry.creations--;
  }

  deletionObserved(key: string, object: string): void {
    this.#entries.get(key)?.deletions.delete(object);
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}
