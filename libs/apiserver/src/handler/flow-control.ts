import { tooManyRequests } from '#libs/apimachinery';

export interface FlowLimits {
  /** Reads at once; default 400. */
  readonly readOnly?: number;
  /** Writes at once; default 200. */
  readonly mutating?: number;
}

/** What has become of the requests of one kind since the start. */
export interface FlowCounts {
  readonly seats: number;
  readonly executing: number;
  readonly dispatched: number;
  readonly rejected: number;
}

/** Seats for requests from outside: beyond the bound they are refused at once, with the time to come back. */
export class FlowControl {
  readonly #max: { readOnly: number; mutating: number };
  readonly #taken = { readOnly: 0, mutating: 0 };
  readonly #dispatched = { readOnly: 0, mutating: 0 };
  readonly #rejected = { readOnly: 0, mutating: 0 };

  constructor(limits: FlowLimits = {}) {
    this.#max = { readOnly: limits.readOnly ?? 400, mutating: limits.mutating ?? 200 };
  }

  /** Throws ApiError 429 when all seats of the kind are taken; else returns what gives the seat back. */
  take(mutating: boolean): () => void {
    const kind = mutating ? 'mutating' : 'readOnly';
    if (this.#taken[kind] >= this.#max[kind]) {
      this.#rejected[kind] += 1;
      throw tooManyRequests(
        'the server has received too many requests and has asked us to try again later',
        1,
      );
    }
    this.#taken[kind] += 1;
    this.#dispatched[kind] += 1;
    let held = true;
    return () => {
      if (held) this.#taken[kind] -= 1;
      held = false;
    };
  }

  inflight(): { readonly readOnly: number; readonly mutating: number } {
    return { ...this.#taken };
  }

  counts(): Readonly<Record<'readOnly' | 'mutating', FlowCounts>> {
    const of = (kind: 'readOnly' | 'mutating'): FlowCounts => ({
      seats: this.#max[kind],
      executing: this.#taken[kind],
      dispatched: this.#dispatched[kind],
      rejected: this.#rejected[kind],
    });
    return { readOnly: of('readOnly'), mutating: of('mutating') };
  }
}

const readVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head', 'options']);

export function isMutating(verb: string): boolean {
  return !readVerbs.has(verb);
}
