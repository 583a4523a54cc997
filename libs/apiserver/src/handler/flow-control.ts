import { tooManyRequests } from '#libs/apimachinery';

export interface FlowLimits {
  /** Reads at once; default 400. */
  readonly readOnly?: number;
  /** Writes at once; default 200. */
  readonly mutating?: number;
}

/** Seats for requests from outside: beyond the bound they are refused at once, with the time to come back. */
export class FlowControl {
  readonly #max: { readOnly: number; mutating: number };
  readonly #taken = { readOnly: 0, mutating: 0 };

  constructor(limits: FlowLimits = {}) {
    this.#max = { readOnly: limits.readOnly ?? 400, mutating: limits.mutating ?? 200 };
  }

  /** Throws ApiError 429 when all seats of the kind are taken; else returns what gives the seat back. */
  take(mutating: boolean): () => void {
    const kind = mutating ? 'mutating' : 'readOnly';
    if (this.#taken[kind] >= this.#max[kind])
      throw tooManyRequests(
        'the server has received too many requests and has asked us to try again later',
        1,
      );
    this.#taken[kind] += 1;
    let held = true;
    return () => {
      if (held) this.#taken[kind] -= 1;
      held = false;
    };
  }

  inflight(): { readonly readOnly: number; readonly mutating: number } {
    return { ...this.#taken };
  }
}

const readVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head', 'options']);

export function isMutating(verb: string): boolean {
  return !readVerbs.has(verb);
}
