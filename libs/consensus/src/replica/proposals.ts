import { encodeCommand } from '#libs/mvcc';
import type { Command, CommandId, CommandResult } from '#libs/mvcc';
import type { CancelTimer, Clock } from '../environment/clock.js';
import { StorageError } from '../storage.js';
import { proposeColumns } from '../thread/protocol.js';
import type { timesAt } from '../thread/entry-times.js';
import type { ProposeBatch, RefusalReason } from '../thread/protocol.js';
import { epochMs, type WriteTrace } from '../trace.js';
import { envelopeBytes, writeEnvelope } from './envelope.js';

/** A command without its identity, which the queue gives it. */
export type Unidentified<T extends Command = Command> = T extends Command ? Omit<T, 'id'> : never;

export interface ProposeOptions {
  readonly timeoutMs: number;
  /** Take it only where this replica leads in this term: it is never forwarded, and its fate ends with the term. */
  readonly onlyInTerm?: number;
  /** The command's encoding, which has an identity of its caller's: it keeps that, whoever proposes it. */
  readonly identified?: Uint8Array;
}

/** A transaction with its identity. */
export type TxnCommand = Extract<Command, { type: 'txn' }>;

/** Resolves with what the command did once this replica has applied it. Rejects with StorageError. */
export type Propose = (command: Unidentified, options: ProposeOptions) => Promise<CommandResult>;

interface Pending {
  readonly number: number;
  readonly unidentified: Unidentified;
  /** Encoded, with its id. */
  command: Uint8Array;
  /** Session of that id; 0 where it is not ours. */
  session: number;
  /** How often it was handed over; more than one copy of it may be under way. */
  sends: number;
  readonly onlyInTerm: number;
  readonly deadline: number;
  sentAt: number;
  /** Term of the leader that it was last sent to; 0 while it waits to be sent. */
  sentTerm: number;
  /** Among those that leave at the end of this turn. */
  queued: boolean;
  readonly trace: WriteTrace | undefined;
  /** By the traces' clock; 0 where it is not traced. */
  readonly proposedMs: number;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: Error) => void;
}

export interface ProposalsOptions {
  /** Of this process: tells its entries from others'. Its first commands carry it as their session, too. */
  readonly session: number;
  /** Another session for commands, once the state machine has forgotten the last one. */
  readonly nextSession: () => number;
  readonly maxPending: number;
  /** Without a leader for so long, callers get an answer rather than hang. */
  readonly noLeaderPatienceMs: number;
  /** Asked in the caller's context for each write; undefined: it is not traced. */
  readonly trace?: (() => WriteTrace | undefined) | undefined;
  readonly send: (batch: ProposeBatch, transfer: readonly ArrayBuffer[]) => void;
  readonly clock: Clock;
}

/** As etcd's limit, with room for the 3 MiB that the API takes. */
export const maxCommandBytes = 4 << 20;
const maxPendingBytes = 256 << 20;
/**
 * What gathered without a leader leaves in batches of at most about this size: a follower forwards each as one frame,
 * whose size is bounded (maxFrameBytes). One command alone may be as large.
 */
export const maxBatchBytes = 4 << 20;
/** A proposal that got lost on the way (a dropped frame) is sent again; its id makes that harmless. */
const resendAfterMs = 1_500;
const sweepEveryMs = 50;

/**
 * Writes that wait for their entry to be applied here. Each keeps its id over all retries, so that the state
 * machine applies it once. Calls of one turn of the event loop travel as one batch.
 */
export class Proposals {
  readonly #options: ProposalsOptions;
  readonly #pending = new Map<number, Pending>();
  #pendingBytes = 0;
  #unsent: Pending[] = [];
  #flushing = false;
  #nextNumber = 1;
  #leaderTerm = 0;
  #leaderKnown = false;
  #leaderLostAt: number;
  #sweeper: CancelTimer | undefined;
  #failed = 0;
  #stopped = false;
  #session: number;

  constructor(options: ProposalsOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#leaderLostAt = options.clock.now();
  }

  get size(): number {
    return this.#pending.size;
  }

  get failed(): number {
    return this.#failed;
  }

  /** How long no leader has been known; 0 while there is one. */
  get leaderlessMs(): number {
    return this.#leaderKnown ? 0 : this.#options.clock.now() - this.#leaderLostAt;
  }

  /** The thread has started: only from now on could a leader have been heard of. */
  started(): void {
    this.#leaderLostAt = this.#options.clock.now();
  }

  /** Resolves with what the command did once this replica has applied it. Rejects with StorageError. */
  propose(
    command: Unidentified,
    { timeoutMs, onlyInTerm = 0, identified }: ProposeOptions,
  ): Promise<CommandResult> {
    const error = this.#refuseNow();
    if (error !== undefined) return Promise.reject(error);
    const number = this.#nextNumber;
    const bytes = identified ?? this.#encode(command, number);
    if (bytes.length > maxCommandBytes) {
      const size = `the write is ${bytes.length} bytes, ${maxCommandBytes} are allowed`;
      return Promise.reject(new StorageError('TooLarge', size));
    }
    this.#nextNumber++;
    const trace = this.#options.trace?.();
    return new Promise((resolve, reject) => {
      const deadline = this.#options.clock.now() + timeoutMs;
      const pending = {
        number,
        unidentified: command,
        command: bytes,
        session: identified === undefined ? this.#session : 0,
        sends: 0,
        onlyInTerm,
        deadline,
        sentAt: 0,
        sentTerm: 0,
        queued: false,
        trace,
        proposedMs: trace === undefined ? 0 : epochMs(),
        resolve,
        reject,
      };
      this.#pending.set(number, pending);
      this.#pendingBytes += bytes.length;
      this.#queue(pending);
      this.#sweeper ??= this.#options.clock.every(sweepEveryMs, () => this.#sweep());
    });
  }

  #encode(command: Unidentified, number: number): Uint8Array {
    const oldest = this.#pending.keys().next();
    const id: CommandId = {
      session: this.#session,
      sequence: number,
      answeredBelow: oldest.done === true ? number : oldest.value,
    };
    return encodeCommand({ ...command, id } as Command);
  }

  #refuseNow(): StorageError | undefined {
    if (this.#stopped) return new StorageError('Stopped', 'this replica is stopping');
    if (this.leaderlessMs > this.#options.noLeaderPatienceMs) return noQuorum(this.leaderlessMs);
    if (this.#pending.size < this.#options.maxPending && this.#pendingBytes < maxPendingBytes)
      return undefined;
    return new StorageError(
      'Overloaded',
      `${this.#pending.size} writes are waiting already: try again later`,
    );
  }

  #queue(pending: Pending): void {
    // Without a leader it waits here; leadershipChanged sends it.
    if (!this.#leaderKnown && pending.onlyInTerm === 0) return;
    // A sweep, or another leader, before this turn ends: one copy is enough.
    if (pending.queued) return;
    pending.queued = true;
    this.#unsent.push(pending);
    if (this.#flushing) return;
    this.#flushing = true;
    this.#options.clock.soon(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const unsent = this.#unsent;
    this.#unsent = [];
    let batch: Pending[] = [];
    let total = 0;
    for (const pending of unsent) {
      pending.queued = false;
      if (!this.#pending.has(pending.number)) continue;
      const length = envelopeBytes + pending.command.length;
      if (batch.length > 0 && total + length > maxBatchBytes) {
        this.#send(batch, total);
        batch = [];
        total = 0;
      }
      batch.push(pending);
      total += length;
    }
    if (batch.length > 0) this.#send(batch, total);
  }

  #send(batch: readonly Pending[], total: number): void {
    const data = new ArrayBuffer(total);
    const buffer = Buffer.from(data);
    const table = new Float64Array(batch.length * proposeColumns);
    const now = this.#options.clock.now();
    let at = 0;
    let row = 0;
    for (const pending of batch) {
      const length = envelopeBytes + pending.command.length;
      writeEnvelope(buffer, at, this.#options.session, pending.number, pending.command);
      at += length;
      table[row++] = pending.number;
      table[row++] = pending.onlyInTerm;
      table[row++] = length;
      pending.sentTerm = this.#leaderTerm;
      pending.sentAt = now;
      pending.sends++;
    }
    this.#options.send({ kind: 'propose', table, data }, [table.buffer, data]);
  }

  /** An entry of this session was applied; `times` where writes are traced. */
  applied(number: number, result: CommandResult, times?: ReturnType<typeof timesAt>): void {
    const pending = this.#pending.get(number);
    if (pending !== undefined && result.refused === 'sessionExpired') {
      if (pending.session !== 0) return this.#renew(pending);
      // As there; whose the session is sees to a new one.
      if (pending.sends > 1) return this.#fail(number, timeout());
    }
    this.#remove(number);
    if (times !== undefined && pending?.trace !== undefined) {
      pending.trace.applied({ proposedMs: pending.proposedMs, ...times, appliedMs: epochMs() });
    }
    pending?.resolve(result);
  }

  /**
   * The state machine has forgotten our session, as it does with those that wrote longest ago. A command that was
   * handed over once has certainly not been applied: it goes again under a new session. Of one that was handed over
   * twice, the other copy may have been.
   */
  #renew(pending: Pending): void {
    if (pending.session === this.#session) this.#session = this.#options.nextSession();
    if (pending.sends > 1) return this.#fail(pending.number, timeout());
    pending.command = this.#encode(pending.unidentified, pending.number);
    pending.session = this.#session;
    pending.sentTerm = 0;
    this.#queue(pending);
  }

  /**
   * Entries of this term are being applied. What was meant for an earlier term only and has not been
   * applied by now never will be: no entry of that term can come any more.
   */
  termApplied(term: number): void {
    for (const { number, onlyInTerm } of this.#pending.values()) {
      if (onlyInTerm !== 0 && onlyInTerm < term) this.#fail(number, fenced(onlyInTerm));
    }
  }

  /**
   * A snapshot took the place of entries up to this term. What was meant for an earlier term will not be answered any
   * more; whether the snapshot holds it cannot be told.
   */
  installed(term: number): void {
    for (const { number, onlyInTerm } of this.#pending.values()) {
      if (onlyInTerm !== 0 && onlyInTerm < term) this.#fail(number, timeout());
    }
  }

  refused(numbers: readonly number[], reason: RefusalReason): void {
    for (const number of numbers) {
      const pending = this.#pending.get(number);
      if (pending === undefined) continue;
      // The sweep sends it again: at once would be a busy loop between two servers that disagree.
      pending.sentTerm = 0;
      if (reason === 'fenced') this.#fail(number, fenced(pending.onlyInTerm));
    }
  }

  /** A new leader may lack what was sent to the old one: it is sent again under the same id. */
  leadershipChanged(leaderKnown: boolean, term: number): void {
    if (this.#leaderKnown && !leaderKnown) this.#leaderLostAt = this.#options.clock.now();
    this.#leaderKnown = leaderKnown;
    if (!leaderKnown) return;
    this.#leaderTerm = term;
    for (const pending of this.#pending.values()) {
      if (pending.onlyInTerm === 0 && pending.sentTerm < term) this.#queue(pending);
    }
  }

  #sweep(): void {
    const now = this.#options.clock.now();
    const leaderless = this.leaderlessMs;
    for (const pending of this.#pending.values()) {
      if (now >= pending.deadline) this.#fail(pending.number, timeout());
      else if (leaderless > this.#options.noLeaderPatienceMs)
        this.#fail(pending.number, noQuorum(leaderless));
      else if (pending.sentTerm === 0 && this.#leaderKnown) this.#queue(pending);
      else if (pending.onlyInTerm === 0 && now - pending.sentAt > resendAfterMs) this.#queue(pending);
    }
    if (this.#pending.size > 0) return;
    this.#sweeper?.();
    this.#sweeper = undefined;
  }

  #remove(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    if (pending === undefined) return undefined;
    this.#pending.delete(number);
    this.#pendingBytes -= pending.command.length;
    return pending;
  }

  #fail(number: number, error: Error): void {
    this.#failed++;
    const pending = this.#remove(number);
    pending?.trace?.failed(error);
    pending?.reject(error);
  }

  stop(): void {
    this.#stopped = true;
    this.#sweeper?.();
    for (const number of this.#pending.keys()) {
      this.#fail(
        number,
        new StorageError(
          'Stopped',
          'this replica stopped before the write was answered; it may still take effect',
        ),
      );
    }
  }
}

export function noQuorum(leaderlessMs: number): StorageError {
  return new StorageError(
    'NoQuorum',
    `no leader for ${(leaderlessMs / 1000).toFixed(1)} s: fewer than half of the masters are in reach. A write that was under way may still take effect.`,
  );
}

const timeout = (): StorageError =>
  new StorageError('Timeout', 'the write was not answered in time; it may still take effect');

const fenced = (term: number): StorageError =>
  new StorageError('Fenced', `this replica does not lead in term ${term} any more; nothing was written`);
