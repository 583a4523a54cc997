import type { RowDefinition } from './bars.js';

/** What a group of rows is given to measure with. */
export interface BenchContext {
  readonly seconds: number;
  /** Pods that reads and lists find, 10,000 in the table of rows. */
  readonly pods: number;
  /** Rounds of each fault, a run. */
  readonly rounds: number;
  /** Notes one figure of a run. `target` is `trireme` or the peer's name. */
  readonly record: (target: string, row: string, value: number) => void;
  /** Notes a row that has no bar. */
  readonly define: (definition: RowDefinition) => void;
  /** Whether a peer's programs are on the PATH and it is wanted; else it is noted as absent, with what that leaves out. */
  readonly has: (peer: PeerName, leavesOut: string) => boolean;
}

export type PeerName = 'etcd' | 'kube-apiserver' | 'kube-scheduler';

/** Rows that are measured together, on the same servers. */
export interface RowGroup {
  readonly name: string;
  readonly summary: string;
  /** One run of all its rows, on Trireme and on the peers in turn. */
  readonly run: (context: BenchContext) => Promise<void>;
}
