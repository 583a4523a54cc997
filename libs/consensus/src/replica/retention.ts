/**
 * Which history the leader drops: what is older than `maxAgeMs`, and whatever exceeds `maxRevisions`.
 * It samples the revision as time goes by; the log itself knows no time.
 */
export class Retention {
  readonly #maxAgeMs: number;
  readonly #maxRevisions: number;
  readonly #sampleEveryMs: number;
  #samples: { readonly at: number; readonly revision: number }[] = [];

  constructor(maxAgeMs: number, maxRevisions: number) {
    this.#maxAgeMs = maxAgeMs;
    this.#maxRevisions = maxRevisions;
    this.#sampleEveryMs = maxAgeMs / 30;
  }

  reset(): void {
    this.#samples = [];
  }

  /** Notes where the store stands; `check` does so itself. */
  sample(revision: number, nowMs: number): void {
    const last = this.#samples.at(-1);
    if (last === undefined || nowMs - last.at >= this.#sampleEveryMs)
      this.#samples.push({ at: nowMs, revision });
  }

  /** The revision to compact to, or undefined while there is nothing worth a log entry. */
  check(revision: number, compacted: number, nowMs: number): number | undefined {
    this.sample(revision, nowMs);
    let target = compacted;
    while ((this.#samples[0]?.at ?? nowMs) <= nowMs - this.#maxAgeMs) {
      target = Math.max(target, this.#samples.shift()?.revision ?? 0);
    }
    // A tenth of slack, so that a busy store is not compacted with every check.
    if (revision - compacted > this.#maxRevisions * 1.1)
      target = Math.max(target, revision - this.#maxRevisions);
    return target > compacted ? target : undefined;
  }
}
