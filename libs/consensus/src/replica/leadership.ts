import type { Leadership } from '../storage.js';

/**
 * Who leads, for those that act on it. This replica counts as leader only once it has applied an entry of
 * its own term: from then on its memory holds every write of earlier terms, and controllers that start on
 * it read nothing stale.
 */
export class LeadershipTracker {
  readonly #listeners = new Set<(leadership: Leadership) => void>();
  #current: Leadership = { isLeader: false, term: 0, leader: undefined };
  #leads = false;
  #term = 0;
  #leader: string | undefined;
  #appliedTerm: number;
  #changes = 0;

  constructor(appliedTerm: number) {
    this.#appliedTerm = appliedTerm;
  }

  get current(): Leadership {
    return this.#current;
  }

  /** How often a leader was seen to follow another, or nobody. */
  get changes(): number {
    return this.#changes;
  }

  /** Raft's word: who leads in which term. */
  observe(leads: boolean, term: number, leader: string | undefined): void {
    this.#leads = leads;
    this.#term = term;
    this.#leader = leader;
    this.#update();
  }

  /** An entry of this term was applied. */
  applied(term: number): void {
    if (term <= this.#appliedTerm) return;
    this.#appliedTerm = term;
    this.#update();
  }

  #update(): void {
    const isLeader = this.#leads && this.#appliedTerm >= this.#term;
    const { isLeader: was, term, leader } = this.#current;
    if (was === isLeader && term === this.#term && leader === this.#leader) return;
    if (this.#leader !== undefined && (leader !== this.#leader || term !== this.#term)) this.#changes++;
    this.#current = { isLeader, term: this.#term, leader: this.#leader };
    for (const listener of Array.from(this.#listeners)) listener(this.#current);
  }

  /** Calls now and at each change; returns the unsubscriber. */
  listen(listener: (leadership: Leadership) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#current);
    return () => void this.#listeners.delete(listener);
  }
}
