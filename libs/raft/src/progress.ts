import { ByteWindow } from './byte-window.js';
import { sizeOfAll } from './limits.js';
import { asLogIndex, type Entry, type FollowerProgress, type MemberId, type RaftOptions } from './types.js';

type Caps = Pick<RaftOptions, 'maxInflightMessages' | 'maxInflightBytes'>;

/**
 * What a leader knows of one follower, and how fast it may send to it.
 *
 * - `probe`: the follower's log is unknown from `matchIndex` on; one append at a time, until it answers
 *   or a heartbeat is answered.
 * - `replicate`: the logs agree; appends are sent optimistically, as far as the caps on messages and
 *   bytes in flight allow.
 * - `snapshot`: the follower needs entries that are compacted; nothing is sent until the host reports
 *   the end of the snapshot's stream, or the follower answers.
 */
export class Progress {
  matchIndex = 0;
  nextIndex: number;
  state: FollowerProgress['state'] = 'probe';
  recentlyActive = false;
  /** recentlyActive of the election timeout before this one. */
  private formerlyActive = false;
  /** In probe: an append is unanswered. */
  probeSent = false;
  /** In snapshot: the index of the one being sent. */
  pendingSnapshot = 0;
  /** The highest commit index told to the follower since it was last probed. */
  sentCommit = 0;
  /** matchIndex at the last heartbeat response: no movement since then means that appends were lost. */
  matchAtHeartbeat = -1;
  readonly inflight = new ByteWindow();

  constructor(
    readonly id: MemberId,
    lastIndex: number,
    private readonly caps: Caps,
  ) {
    this.nextIndex = lastIndex + 1;
  }

  /** Heard of within one to two election timeouts. */
  get active(): boolean {
    return this.recentlyActive || this.formerlyActive;
  }

  /** An election timeout is over; the next one begins without a sign of life. */
  startPeriod(): void {
    this.formerlyActive = this.recentlyActive;
    this.recentlyActive = false;
  }

  get paused(): boolean {
    if (this.state === 'snapshot') return true;
    if (this.state === 'probe') return this.probeSent;
    return (
      this.inflight.count >= this.caps.maxInflightMessages ||
      this.inflight.bytes >= this.caps.maxInflightBytes
    );
  }

  /** An append with these entries (perhaps none) is on its way. */
  sent(entries: readonly Entry[], commit: number): void {
    this.sentCommit = commit;
    if (this.state === 'probe') this.probeSent = true;
    else if (entries.length > 0) {
      this.nextIndex += entries.length;
      this.inflight.add(this.nextIndex - 1, sizeOfAll(entries));
    }
  }

  /** The follower lives: in probe, an append that is still unanswered was lost, and is sent again even if it is empty. */
  probeAgain(): void {
    this.probeSent = false;
    if (this.state === 'probe') this.sentCommit = 0;
  }

  /** The follower holds the log up to `index` durably. False for old news: match never goes back. */
  acknowledged(index: number): boolean {
    if (index <= this.matchIndex) return false;
    this.matchIndex = index;
    this.nextIndex = Math.max(this.nextIndex, index + 1);
    this.probeSent = false;
    this.inflight.release(index);
    return true;
  }

  /**
   * The follower refused an append behind `rejected`; it may agree at `hint`. False when this answers
   * an append that is no longer of interest (delayed or duplicated).
   */
  rejected(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.matchIndex) return false;
      this.becomeProbe();
      return true;
    }
    if (this.state === 'snapshot' || this.nextIndex - 1 !== rejected) return false;
    this.nextIndex = Math.max(Math.min(rejected, hint + 1), this.matchIndex + 1);
    this.probeSent = false;
    return true;
  }

  becomeProbe(): void {
    const known =
      this.state === 'snapshot' ? Math.max(this.matchIndex, this.pendingSnapshot) : this.matchIndex;
    this.enter('probe', known + 1);
  }

  becomeReplicate(): void {
    this.enter('replicate', this.matchIndex + 1);
  }

  becomeSnapshot(index: number): void {
    this.enter('snapshot', this.nextIndex);
    this.pendingSnapshot = index;
  }

  private enter(state: FollowerProgress['state'], nextIndex: number): void {
    this.state = state;
    this.nextIndex = nextIndex;
    this.probeSent = false;
    this.pendingSnapshot = 0;
    this.sentCommit = 0;
    this.matchAtHeartbeat = -1;
    this.inflight.clear();
  }

  describe(): FollowerProgress {
    return {
      id: this.id,
      matchIndex: asLogIndex(this.matchIndex),
      nextIndex: asLogIndex(this.nextIndex),
      state: this.state,
      recentlyActive: this.active,
      inflightMessages: this.inflight.count,
      inflightBytes: this.inflight.bytes,
    };
  }
}
