import type { PodInfo } from './pod-info.js';
import type { TopologyTerm } from './topology-term.js';

/** All pods of one namespace with the same labels: what a selector says of one of them it says of all. */
export class LabelClass {
  /** Those of them that are on a known node. */
  readonly placed = new Set<PodInfo>();
  /** Terms that match these pods. */
  terms: TopologyTerm[] = [];
  /** Shapes that belong here. */
  users = 0;

  constructor(
    readonly key: string,
    readonly namespace: string,
    readonly labels: Readonly<Record<string, string>>,
  ) {}
}
