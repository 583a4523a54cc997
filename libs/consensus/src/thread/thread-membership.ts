import { decodeConfiguration, noMember } from '#libs/raft';
import type { Configuration, Entry, MemberId, RaftServer } from '#libs/raft';
import type { CancelTimer, Clock } from '../environment/clock.js';
import { planChange } from '../membership/member-change.js';
import type { ChangeOutcome, MemberChange } from '../membership/member-change.js';
import { directoryOf, membersIn, wasRemoved } from '../membership/member-directory.js';
import type { MemberAddress } from '../membership/member-directory.js';
import type { PeerTransport } from '../transport/peer-transport.js';
import type { FromThread } from './protocol.js';

/** Links to a removed member stay for so long, that it may hear of its removal through the log. */
const farewellMs = 1_000;

export interface ThreadMembershipParts {
  readonly memberId: MemberId;
  readonly addresses: readonly MemberAddress[];
  readonly clock: Clock;
  readonly raft: RaftServer;
  readonly network: PeerTransport;
  readonly post: (message: FromThread) => void;
  /** This member is none any more. */
  readonly onRemoved: (reason: string) => void;
}

/**
 * Keeps the peer network in step with the configuration: a new member is linked as soon as its entry is in the log, a
 * removed one is let go a moment after its removal is in force. And carries changes of membership to the leader.
 */
export class ThreadMembership {
  readonly #parts: ThreadMembershipParts;
  #configuration: Configuration;
  /** A configuration entry up to here has been seen, and may not be in force yet. */
  #seenTo = 0;
  #removed = false;
  readonly #farewells = new Set<CancelTimer>();

  constructor(parts: ThreadMembershipParts) {
    this.#parts = parts;
    this.#configuration = parts.raft.status().configuration;
    this.#link(this.#configuration);
    this.#checkRemoved();
  }

  get voters(): readonly MemberId[] {
    return this.#configuration.voters;
  }

  /** Entries that were appended here, or are committed. */
  seen(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.type !== 'configuration') continue;
      this.#seenTo = Math.max(this.#seenTo, entry.index);
      this.#link(decodeConfiguration(entry.data));
    }
  }

  /** The core may have another configuration in force: entries were applied, or (`always`) a snapshot was installed. */
  applied(index: number, always = false): void {
    if (!always && this.#seenTo === 0) return;
    if (index >= this.#seenTo) this.#seenTo = 0;
    const { configuration } = this.#parts.raft.status();
    if (configuration === this.#configuration) return;
    this.#configuration = configuration;
    this.#link(configuration);
    this.#later(() => this.#letGo());
    this.#checkRemoved();
  }

  #letGo(): void {
    const { network, addresses } = this.#parts;
    const nextId = this.#dismissesBelow(this.#configuration);
    if (nextId > 0) network.setMembers(membersIn(this.#configuration, addresses), nextId);
  }

  /**
   * Only voters tell a member that it was removed: it then ends, and its vote with it, which whoever votes may still need
   * until its own disk knows of the removal.
   */
  #dismissesBelow(configuration: Configuration): number {
    const votes = this.#configuration.voters.includes(this.#parts.memberId);
    return votes ? directoryOf(configuration).nextId : 0;
  }

  #later(run: () => void): void {
    const cancel = this.#parts.clock.after(farewellMs, () => {
      this.#farewells.delete(cancel);
      run();
    });
    this.#farewells.add(cancel);
  }

  /** Nothing happens any more. */
  stop(): void {
    for (const cancel of this.#farewells) cancel();
  }

  /** Links whom a configuration brings, and lets nobody go. */
  #link(configuration: Configuration): void {
    const { network, addresses } = this.#parts;
    const coming = membersIn(configuration, addresses);
    const present = membersIn(this.#configuration, addresses).filter(
      (member) => !coming.some(({ id }) => id === member.id),
    );
    network.setMembers([...coming, ...present], this.#dismissesBelow(configuration));
  }

  #checkRemoved(): void {
    if (this.#removed || !wasRemoved(this.#configuration, this.#parts.memberId)) return;
    this.#removed = true;
    this.#leaveLater();
  }

  /**
   * Not before another member leads, or says so itself when it is called: who stays may need this one's vote until its
   * own disk knows of the removal.
   */
  #leaveLater(): void {
    this.#later(() => {
      const { raft, memberId, onRemoved } = this.#parts;
      const { leader } = raft.status().softState;
      if (leader !== noMember && leader !== memberId) onRemoved('its removal is in the log');
      else this.#leaveLater();
    });
  }

  /** From this replica's callers. */
  ask(number: number, change: MemberChange): void {
    const { raft, network, post } = this.#parts;
    const outcome = this.#propose(change);
    const { leader } = raft.status().softState;
    const elsewhere = 'refused' in outcome && outcome.refused === 'notLeader' && leader !== noMember;
    if (elsewhere && leader !== this.#parts.memberId && network.askChange(leader, number, change)) return;
    post({ kind: 'memberChange', number, outcome });
  }

  /** From a peer, which believes that this server leads. */
  asked(from: number, number: number, change: MemberChange): void {
    this.#parts.network.answerChange(from, number, this.#propose(change));
  }

  answered(number: number, outcome: ChangeOutcome): void {
    this.#parts.post({ kind: 'memberChange', number, outcome });
  }

  #propose(change: MemberChange): ChangeOutcome {
    const { raft } = this.#parts;
    const { configuration, softState } = raft.status();
    if (softState.role !== 'leader') return { refused: 'notLeader' };
    const planned = planChange(configuration, change);
    if ('refused' in planned) return planned;
    const outcome = raft.proposeConfiguration(planned.changes, planned.context);
    if ('index' in outcome) return { index: outcome.index, term: softState.term, id: planned.id };
    return { refused: outcome.code === 'NotLeader' ? 'notLeader' : outcome.reason };
  }
}
