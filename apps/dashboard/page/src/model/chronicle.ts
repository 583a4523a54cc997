import type { FaultNote, Frame } from '../../../protocol.js';

/** A term with a leader, and when its leader was first seen by any member. */
export interface Reign {
  readonly term: number;
  readonly leader: string;
  readonly at: number;
}

/** When a member lost sight of its leader. */
export interface Loss {
  readonly term: number;
  readonly at: number;
}

const keptMs = 600_000;

/** Terms and faults, put together from what each member and the supervisor remember; each told once. */
export class Chronicle {
  readonly #reigns = new Map<number, Reign>();
  readonly #losses = new Map<number, Loss>();
  readonly #faults = new Map<string, FaultNote>();

  append(frame: Frame): void {
    for (const { observation } of frame.members) {
      for (const { at, term, leader } of observation?.leaderships ?? []) {
        if (leader !== undefined) keepEarliest(this.#reigns, { term, leader, at });
        else keepEarliest(this.#losses, { term, at });
      }
    }
    for (const fault of frame.faults ?? [])
      this.#faults.set(`${fault.at} ${fault.what} ${fault.master ?? ''}`, fault);
    const oldest = frame.at - keptMs;
    for (const [key, { at }] of this.#faults) if (at < oldest) this.#faults.delete(key);
    // The present term is kept however old it is.
    const newest = Math.max(...this.#reigns.keys());
    for (const [term, { at }] of this.#reigns) if (at < oldest && term < newest) this.#reigns.delete(term);
    for (const [term, { at }] of this.#losses) if (at < oldest) this.#losses.delete(term);
  }

  /** Oldest first. */
  get reigns(): readonly Reign[] {
    return [...this.#reigns.values()].sort((a, b) => a.term - b.term);
  }

  get losses(): readonly Loss[] {
    return [...this.#losses.values()].sort((a, b) => a.at - b.at);
  }

  /** Oldest first. */
  get faults(): readonly FaultNote[] {
    return [...this.#faults.values()].sort((a, b) => a.at - b.at);
  }
}

function keepEarliest<T extends { readonly term: number; readonly at: number }>(
  map: Map<number, T>,
  found: T,
): void {
  const known = map.get(found.term);
  if (known === undefined || found.at < known.at) map.set(found.term, found);
}
