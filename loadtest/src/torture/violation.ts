/** A promise that was broken. */
export interface Violation {
  readonly kind:
    | 'not linearizable'
    | 'undecided'
    | 'revisions out of order'
    | 'watch'
    | 'lost'
    | 'doubled'
    | 'phantom'
    | 'replicas differ'
    | 'unexpected answer'
    | 'ended by itself'
    | 'did not heal';
  /** Name of the fault, or of all that it may have been. */
  readonly fault: string;
  readonly rounds: string;
  readonly text: string;
}
