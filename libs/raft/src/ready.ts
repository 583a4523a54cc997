import type { Core } from './core.js';
import { ByteWindow } from './byte-window.js';
import { maxApplyingBytes, maxCommittedBytesPerReady, sizeOfAll } from './limits.js';
import { noteConfigurations } from './membership.js';
import { advanceReads } from './read-index.js';
import { replicateToAll } from './replication.js';
import { asLogIndex, type Entry, type HardState, type Message, type Ready, type SoftState } from './types.js';

interface HeldMessages {
  readonly sequence: number;
  readonly messages: readonly Message[];
}

const none: readonly never[] = [];

/** Gathers what the steps since the last Ready have brought, and holds promises until their disk write is done. */
export class ReadyGate {
  /** What the newest AppendWork made, or makes, durable. */
  private saved: HardState;
  private soft: SoftState;
  private readonly held: HeldMessages[] = [];
  private readonly applying = new ByteWindow();

  constructor(private readonly core: Core) {
    this.saved = hardStateOf(core);
    this.soft = softStateOf(core);
  }

  take(): Ready | undefined {
    const { core } = this;
    if (core.role === 'leader') replicateToAll(core);
    advanceReads(core);
    const append = core.log.takeWork(this.changedHardState());
    this.settlePromises();
    const committed = this.takeCommitted();
    const softState = this.changedSoftState();
    const { outbox, reads } = core;
    // Never the live list: what comes while the host works on this Ready belongs to the next one.
    const messages = outbox.length > 0 ? outbox : none;
    const readStates = reads.states.length > 0 ? reads.states : none;
    const droppedReads = reads.dropped.length > 0 ? reads.dropped : none;
    if (
      append === undefined &&
      softState === undefined &&
      messages.length + committed.length + readStates.length + droppedReads.length === 0
    ) {
      return undefined;
    }
    if (messages.length > 0) core.outbox = [];
    if (readStates.length > 0) reads.states = [];
    if (droppedReads.length > 0) reads.dropped = [];
    return { messages, append, committed, readStates, droppedReads, softState };
  }

  /** Lets go what waited for this write. Promises of an earlier term have lost their meaning. */
  release(sequence: number, deliverToSelf: (message: Message) => void): void {
    while (this.held.length > 0 && (this.held[0] as HeldMessages).sequence <= sequence) {
      for (const message of (this.held.shift() as HeldMessages).messages) {
        if (message.term !== this.core.currentTerm) continue;
        if (message.to === this.core.id) deliverToSelf(message);
        else this.core.outbox.push(message);
      }
    }
  }

  applied(index: number): void {
    this.applying.release(index);
  }

  /**
   * Term and vote must be written when they change; a new commit index alone goes with the next write, unless it commits
   * a configuration.
   */
  private changedHardState(): HardState | undefined {
    const { core, saved } = this;
    const mustWrite =
      saved.term !== core.currentTerm || saved.vote !== core.votedFor || core.log.owesCommit(saved.commit);
    const mayWrite = saved.commit !== core.log.committed && core.log.hasNewWork;
    if (!mustWrite && !mayWrite) return undefined;
    this.saved = hardStateOf(core);
    return this.saved;
  }

  private settlePromises(): void {
    const { core } = this;
    const messages = core.promises;
    if (messages.length === 0) return;
    core.promises = [];
    const sequence = core.log.newestInFlight;
    if (sequence > 0) this.held.push({ sequence, messages });
    else for (const message of messages) if (message.term === core.currentTerm) core.outbox.push(message);
  }

  private takeCommitted(): readonly Entry[] {
    if (this.applying.bytes >= maxApplyingBytes) return none;
    const committed = this.core.log.takeCommitted(maxCommittedBytesPerReady);
    const last = committed.at(-1);
    if (last === undefined) return committed;
    this.applying.add(last.index, sizeOfAll(committed));
    noteConfigurations(this.core, committed);
    return committed;
  }

  private changedSoftState(): SoftState | undefined {
    const { role, leader, currentTerm } = this.core;
    const { soft } = this;
    if (soft.role === role && soft.leader === leader && soft.term === currentTerm) return undefined;
    this.soft = softStateOf(this.core);
    return this.soft;
  }
}

function hardStateOf(core: Core): HardState {
  return { term: core.currentTerm, vote: core.votedFor, commit: asLogIndex(core.log.committed) };
}

export function softStateOf(core: Core): SoftState {
  return { role: core.role, leader: core.leader, term: core.currentTerm };
}
