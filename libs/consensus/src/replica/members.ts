import type { Configuration } from '#libs/raft';
import { configurationOfVoters, decodeConfiguration } from '#libs/raft';
import type { DataDirectory } from '../data-dir/data-directory.js';
import type { Clock } from '../environment/clock.js';
import type { ChangeOutcome, ChangeRefusal, MemberChange } from '../membership/member-change.js';
import { MemberRemovedError } from '../errors.js';
import { initialConfiguration, membersIn } from '../membership/member-directory.js';
import type { Member, MemberAddress } from '../membership/member-directory.js';
import { StorageError } from '../storage.js';
import type { StorageErrorCode } from '../storage.js';
import type { CommittedConfiguration } from '../thread/protocol.js';

/** A server to be added. It is started, with an empty data directory and `join`, after it was added. */
export interface NewMember {
  /** What its certificate speaks for. Absent: `m` and its id. */
  readonly name?: string;
  readonly host: string;
  readonly port: number;
  /**
   * `learner`: takes the log, to be promoted. `observer`: serves reads for good, without a vote. `voter`: counts from the
   * start, though it holds nothing yet: refused where the others alone would then be no quorum.
   */
  readonly role: Member['role'];
}

/** Counted where the promotion was asked for. */
export interface PromotionCounts {
  readonly successes: number;
  readonly failures: Readonly<Record<string, number>>;
}

/**
 * Who belongs to the group. Changes go through the log, one at a time: each resolves once this replica has applied it.
 * They reject with StorageError (MemberExists, MemberNotFound, NotLearner, LearnerNotReady, QuorumLoss, ChangePending,
 * NoQuorum); with Timeout the change may still take effect.
 */
export interface Members {
  list(): readonly Member[];
  /** Resolves to the id that the new member must be started with. */
  add(member: NewMember, timeoutMs?: number): Promise<number>;
  /** Makes a learner a voter, once it holds nine tenths of the leader's log. */
  promote(id: number, timeoutMs?: number): Promise<void>;
  /** For good: neither its id nor its data directory is of use again. A leader hands over first. */
  remove(id: number, timeoutMs?: number): Promise<void>;
  /** Tells all where a member's peer port is from now on. */
  update(
    id: number,
    address: { readonly host: string; readonly port: number },
    timeoutMs?: number,
  ): Promise<void>;
}

export interface ReplicaMembersParts {
  readonly configuration: Configuration;
  readonly addresses: readonly MemberAddress[];
  readonly clock: Clock;
  readonly ask: (number: number, change: MemberChange) => void;
  readonly leader: () => string | undefined;
  readonly transferAway: () => Promise<void>;
}

const defaultTimeoutMs = 10_000;
const retryMs = 50;

interface Waiting {
  readonly resolve: (outcome: ChangeOutcome) => void;
}

interface Settling {
  readonly index: number;
  readonly term: number;
  readonly settle: (outcome: 'applied' | 'lost' | 'unknown') => void;
}

/** The main thread's side of membership: the configuration that is in force here, and callers that wait for a change. */
export class ReplicaMembers implements Members {
  readonly #parts: ReplicaMembersParts;
  #configuration: Configuration;
  #members: readonly Member[];
  #nextNumber = 1;
  readonly #waiting = new Map<number, Waiting>();
  readonly #settling = new Set<Settling>();
  #promotions = 0;
  readonly #failures: Record<string, number> = {};

  constructor(parts: ReplicaMembersParts) {
    this.#parts = parts;
    this.#configuration = parts.configuration;
    this.#members = membersIn(parts.configuration, parts.addresses);
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get promotions(): PromotionCounts {
    return { successes: this.#promotions, failures: this.#failures };
  }

  list(): readonly Member[] {
    return this.#members;
  }

  /** 0 without a name, undefined for one that nobody has. */
  idOf(member: string | undefined): number | undefined {
    return member === undefined ? 0 : this.list().find(({ name }) => name === member)?.id;
  }

  /** Undefined for nobody. A leader that this replica has not heard of as a member yet is still somebody. */
  nameOf(id: number): string | undefined {
    if (id === 0) return undefined;
    return this.#members.find((member) => member.id === id)?.name ?? `m${id}`;
  }

  /** Entries up to `index` are applied, of which the last has `lastTerm`; some held a configuration. */
  applied(index: number, lastTerm: number, configurations: readonly CommittedConfiguration[]): void {
    for (const { data } of configurations) this.#adopt(decodeConfiguration(data));
    for (const settling of this.#settling) {
      if (settling.index > index) {
        // An entry of a later term before it: the one that was proposed there can only have been overwritten.
        if (lastTerm > settling.term) settling.settle('lost');
        continue;
      }
      const found = configurations.find((one) => one.index === settling.index);
      settling.settle(found?.term === settling.term ? 'applied' : 'lost');
    }
  }

  /** A snapshot took the place of the log: what it swallowed cannot be told apart. */
  installed(index: number, configuration: Configuration): void {
    this.#adopt(configuration);
    for (const settling of this.#settling) if (settling.index <= index) settling.settle('unknown');
  }

  #adopt(configuration: Configuration): void {
    this.#configuration = configuration;
    this.#members = membersIn(configuration, this.#parts.addresses);
  }

  /** The leader's word, by way of the consensus thread. */
  answered(number: number, outcome: ChangeOutcome): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    waiting?.resolve(outcome);
  }

  add({ name = '', host, port, role }: NewMember, timeoutMs?: number): Promise<number> {
    return this.#change({ type: 'add', name, host, port, role }, timeoutMs);
  }

  async promote(id: number, timeoutMs?: number): Promise<void> {
    try {
      await this.#change({ type: 'promote', id }, timeoutMs);
      this.#promotions++;
    } catch (error) {
      const reason = error instanceof StorageError ? error.code : 'Unknown';
      this.#failures[reason] = (this.#failures[reason] ?? 0) + 1;
      throw error;
    }
  }

  async remove(id: number, timeoutMs?: number): Promise<void> {
    const { leader, transferAway } = this.#parts;
    if (leader() !== undefined && leader() === this.nameOf(id)) {
      // Its successor takes the removal, so that nobody waits for an election. Where that fails, the leader removes itself.
      await transferAway().catch(() => undefined);
    }
    await this.#change({ type: 'remove', id }, timeoutMs);
  }

  async update(
    id: number,
    { host, port }: { readonly host: string; readonly port: number },
    timeoutMs?: number,
  ): Promise<void> {
    await this.#change({ type: 'update', id, host, port }, timeoutMs);
  }

  /** Retries what was certainly not done: refused for now, or overwritten by another leader. */
  async #change(change: MemberChange, timeoutMs = defaultTimeoutMs): Promise<number> {
    const { clock } = this.#parts;
    const deadline = clock.now() + timeoutMs;
    for (;;) {
      const outcome = await this.#ask(change, deadline);
      if (!('refused' in outcome)) {
        if ((await this.#settled(outcome, deadline)) === 'applied') return outcome.id;
      } else if (!passing.has(outcome.refused) || clock.now() + retryMs > deadline) {
        throw refusalError(outcome.refused, change);
      }
      await new Promise<void>((resolve) => void clock.after(retryMs, resolve));
    }
  }

  #ask(change: MemberChange, deadline: number): Promise<ChangeOutcome> {
    const number = this.#nextNumber++;
    return this.#inTime(deadline, (resolve) => {
      this.#waiting.set(number, { resolve });
      this.#parts.ask(number, change);
      return () => this.#waiting.delete(number);
    });
  }

  async #settled(
    { index, term }: { readonly index: number; readonly term: number },
    deadline: number,
  ): Promise<'applied' | 'lost'> {
    const outcome = await this.#inTime<'applied' | 'lost' | 'unknown'>(deadline, (settle) => {
      const settling = { index, term, settle };
      this.#settling.add(settling);
      return () => this.#settling.delete(settling);
    });
    if (outcome === 'unknown') throw timeoutError();
    return outcome;
  }

  #inTime<T>(deadline: number, start: (resolve: (value: T) => void) => () => void): Promise<T> {
    const { clock } = this.#parts;
    return new Promise<T>((resolve, reject) => {
      const end = (finish: () => void): void => {
        cancel();
        forget();
        finish();
      };
      const cancel = clock.after(Math.max(0, deadline - clock.now()), () =>
        end(() => reject(timeoutError())),
      );
      const forget = start((value) => end(() => resolve(value)));
    });
  }
}

/** Refusals that time alone may lift. */
const passing: ReadonlySet<ChangeRefusal> = new Set<ChangeRefusal>(['notLeader', 'pending', 'transferring']);

function timeoutError(): StorageError {
  return new StorageError(
    'Timeout',
    'the change of membership was not confirmed in time; it may still take effect',
  );
}

const refusals: Readonly<Record<ChangeRefusal, readonly [StorageErrorCode, string]>> = {
  notLeader: ['NoQuorum', 'there is no leader to take the change'],
  pending: ['ChangePending', 'an earlier change of membership is not in force yet; try again'],
  transferring: ['ChangePending', 'leadership is being handed over; try again'],
  nameTaken: ['MemberExists', 'a member of this name exists'],
  addressTaken: ['MemberExists', 'a member with this peer address exists'],
  knownMember: ['MemberExists', 'the member exists'],
  unknownMember: ['MemberNotFound', 'there is no such member'],
  notLearner: ['NotLearner', 'only a learner can be promoted, neither a voter nor an observer'],
  laggard: [
    'LearnerNotReady',
    'the learner does not hold enough of the log yet, or is out of reach; see `trireme status` for how far it is',
  ],
  lastVoter: ['QuorumLoss', 'the last voter cannot be removed'],
  quorumLoss: [
    'QuorumLoss',
    'too few of the voters that would be left are in reach: the cluster would lose its quorum. Bring the others back, or remove an unreachable member first',
  ],
};

function refusalError(refused: ChangeRefusal, change: MemberChange): StorageError {
  const [code, why] = refusals[refused];
  const whom = 'id' in change ? `member ${change.id}` : `'${change.name}' at ${change.host}:${change.port}`;
  return new StorageError(code, `${change.type} ${whom}: ${why}`);
}

/** What a replica without any snapshot begins with: one that joins knows of nobody until the log tells. */
export function firstConfiguration({
  joined,
  members,
}: Pick<DataDirectory, 'joined' | 'members'>): Configuration {
  return joined ? configurationOfVoters([]) : initialConfiguration(members);
}

export function removedError(name: string, reason: string): MemberRemovedError {
  return new MemberRemovedError(
    `'${name}' was removed from the cluster (${reason}). Its data directory is of no more use: to take part again, it is added under a new id, with an empty one`,
  );
}

export function noSuchMember(name: string | undefined): Promise<never> {
  return Promise.reject(new StorageError('BadRequest', `there is no member named '${name}'`));
}
