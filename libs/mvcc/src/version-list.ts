import type { KeyValue, Revision, StoreEvent } from './types.js';

/**
 * The superseded versions of one key, oldest first, each kept as the event that ended it: that event's
 * `previous` lived from its own modRevision up to, not including, the event's.
 */
export class VersionList {
  private endings: StoreEvent[] = [];
  private head = 0;

  get isEmpty(): boolean {
    return this.head === this.endings.length;
  }

  push(ending: StoreEvent): void {
    this.endings.push(ending);
  }

  /** The version that lived at this revision, among the superseded ones. */
  at(revision: Revision): KeyValue | undefined {
    let low = this.head;
    let high = this.endings.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.endings[middle]!.keyValue.modRevision <= revision) low = middle + 1;
      else high = middle;
    }
    const version = this.endings[low]?.previous;
    return version !== undefined && version.modRevision <= revision ? version : undefined;
  }

  /** Forgets the oldest version. Amortised O(1), also for a key with very many versions. */
  dropFirst(): void {
    this.head++;
    if (this.head * 2 < this.endings.length || this.head < 16) return;
    this.endings = this.endings.slice(this.head);
    this.head = 0;
  }
}
