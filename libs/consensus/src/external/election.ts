import { randomUUID } from 'node:crypto';
import { LeadershipTracker } from '../replica/leadership.js';
import { StorageError } from '../storage.js';
import type { EtcdAccess } from './etcd-access.js';
import type { ExternalState } from './external-state.js';
import type { Layout } from './layout.js';
import type { ClusterRecord } from './load.js';

export interface ElectionOptions {
  readonly memberId: number;
  readonly name: string;
  /** False: it is listed as a member, and never leads. */
  readonly stands: boolean;
  readonly layout: Layout;
  readonly access: EtcdAccess;
  readonly state: () => ExternalState;
  /** The lease of this process's session while it is certain to live. */
  readonly liveLease: () => number | undefined;
  /** Another process runs as this member: this one must end. */
  readonly onReplaced: (error: Error) => void;
  readonly onWarning: (message: string) => void;
}

const timeoutMs = 5_000;
/** How often a hand-over looks for its candidate. */
const lookAgainMs = 25;

/**
 * Who leads: of all candidacies in etcd the oldest one. Each lives by its member's lease; the revision that created the
 * leader's is the term, and what fences the leader's writes. Candidacies are seen in the order of the data: whoever sees
 * itself lead holds every write of its predecessors.
 */
export class Election {
  readonly tracker = new LeadershipTracker(Number.MAX_SAFE_INTEGER);
  readonly #options: ElectionOptions;
  /** Tells this process's registration from another one's under the same member. */
  readonly #session = randomUUID();
  #registeredAt = 0;
  #campaigning = false;
  #closed = false;

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  /** Ends what an earlier life of this member has left, so that nobody has to wait until it runs out. */
  async endFormerLife(): Promise<void> {
    const { state, access, memberId } = this.#options;
    const leases = new Set(
      [state().record('member', memberId), state().record('candidate', memberId)].map(
        (record) => record?.lease ?? 0,
      ),
    );
    leases.delete(0);
    for (const ID of leases)
      await access.repeatable('Lease/LeaseRevoke', { ID }, timeoutMs).catch((error: unknown) => {
        if (!(error instanceof StorageError && error.code === 'LeaseNotFound')) throw error;
      });
  }

  /** Registers this process, and its candidacy, under a new lease. */
  async register(lease: number): Promise<void> {
    const { access, layout, memberId, name } = this.#options;
    const value = Buffer.from(JSON.stringify({ name, session: this.#session }));
    const put = { key: layout.member(memberId), value, lease };
    const written = await access.repeatable(
      'KV/Txn',
      { compare: [], success: [{ request_put: put }], failure: [] },
      timeoutMs,
    );
    this.#registeredAt = written.header.revision;
    if (this.#options.stands) await this.#campaign(lease);
  }

  /** Takes its place in the line, behind those who wait already. One that is there under another lease ends with that. */
  async #campaign(lease: number): Promise<void> {
    const { access, layout, memberId, name } = this.#options;
    const key = layout.candidate(memberId);
    const compare = [{ key, target: 'LEASE', result: 'EQUAL', lease } as const];
    const put = { request_put: { key, value: Buffer.from(name), lease } };
    const failure = [{ request_delete_range: { key } }];
    // A candidacy is created, never taken over: the term must be that of this lease.
    const mine = await access.repeatable('KV/Txn', { compare, success: [], failure }, timeoutMs);
    if (mine.succeeded) return;
    const absent = [{ key, target: 'CREATE', result: 'EQUAL', create_revision: 0 } as const];
    await access.repeatable('KV/Txn', { compare: absent, success: [put], failure: [] }, timeoutMs);
  }

  /** Looks at who stands now. To be called when records, the session or etcd's reach may have changed. */
  observe(): void {
    const { state, liveLease, memberId } = this.#options;
    const [first] = state().candidates();
    const lease = liveLease();
    this.#lookForAnother(state().record('member', memberId));
    const known = this.#options.access.hasQuorum ? first?.value : undefined;
    const leads = known !== undefined && first?.id === memberId && first.lease === lease && !this.#closed;
    this.tracker.observe(leads, first?.createRevision ?? this.tracker.current.term, known);
    if (lease !== undefined && state().record('candidate', memberId) === undefined)
      this.#campaignAgain(lease);
  }

  #lookForAnother(registration: ClusterRecord | undefined): void {
    if (registration === undefined || this.#closed || this.#registeredAt === 0) return;
    if (registration.modRevision <= this.#registeredAt || registration.value.includes(this.#session)) return;
    this.#closed = true;
    this.#options.onReplaced(
      new Error(
        `another process runs as member ${this.#options.memberId} on this etcd: stop it, or give each master an id of its own`,
      ),
    );
  }

  /** The candidacy is gone though the session lives: leadership was handed over. */
  #campaignAgain(lease: number): void {
    if (this.#campaigning || this.#closed || this.#registeredAt === 0 || !this.#options.stands) return;
    this.#campaigning = true;
    this.#campaign(lease)
      .catch((error: unknown) =>
        this.#options.onWarning(`cannot stand for election: ${(error as Error).message}`),
      )
      .finally(() => (this.#campaigning = false));
  }

  /** The key and the term that a write of the leader has to be fenced by. Throws StorageError Fenced. */
  fence(term: number): Buffer {
    const { isLeader, term: current } = this.tracker.current;
    if (!isLeader || term !== current)
      throw new StorageError('Fenced', `term ${term} is over, or another master's; nothing was written`);
    return this.#options.layout.candidate(this.#options.memberId);
  }

  /**
   * Moves `to`, or whoever is next, to the head of the line by ending the candidacies before it, the leader's among them.
   * One that does not stand yet is waited for. Throws StorageError NoQuorum when nobody (else) stands in time.
   */
  async handOver(to: string | undefined, patienceMs: number): Promise<void> {
    const { access } = this.#options;
    for (let left = patienceMs; left > 0 && !this.#closed; left -= lookAgainMs) {
      const txn = this.#promotion(to);
      if (txn !== undefined && (await access.once('KV/Txn', txn, timeoutMs)).succeeded) return;
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    }
    throw new StorageError(
      'NoQuorum',
      to === undefined ? 'no other master could take over' : `${to} does not stand for election`,
    );
  }

  /** What makes `to` the oldest candidate, if the line is as it is seen here; undefined where that cannot be. */
  #promotion(to: string | undefined) {
    const { layout, state } = this.#options;
    const candidates = state().candidates();
    const place = to === undefined ? 1 : candidates.findIndex(({ value }) => value === to);
    if (place < 1 || place >= candidates.length) return undefined;
    return {
      compare: candidates
        .slice(0, place + 1)
        .map(
          ({ id, createRevision: create_revision }) =>
            ({ key: layout.candidate(id), target: 'CREATE', result: 'EQUAL', create_revision }) as const,
        ),
      success: candidates
        .slice(0, place)
        .map(({ id }) => ({ request_delete_range: { key: layout.candidate(id) } })),
      failure: [],
    };
  }

  close(): void {
    this.#closed = true;
    const { term, leader } = this.tracker.current;
    this.tracker.observe(false, term, leader);
  }
}
