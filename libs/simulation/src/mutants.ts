/** A bug that is planted in the product's source for one run of the simulator, and nowhere else. */
export interface Mutant {
  /** Number in the design's list of what must never happen, and a letter where there are several ways to it. */
  readonly id: string;
  readonly breaks: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
}

/** Bugs that the swarm must find. */
export const mutants: readonly Mutant[] = [
  {
    id: '1',
    breaks: 'commits by counting replicas of an earlier term’s entry',
    file: 'libs/raft/src/replication.ts',
    text: 'if (index <= log.committed || log.term(index) !== core.currentTerm) return;',
    replacement: 'if (index <= log.committed) return;',
  },
];
