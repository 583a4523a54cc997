import type { Pod } from '#libs/client';
import { keyOf } from '#libs/client';
import type { NodeInfo } from './node-info.js';
import type { PodShape } from './pod-shape.js';

/** A pod as the scheduler sees it. What many pods have in common is in their shape. */
export class PodInfo {
  readonly uid: string;
  readonly key: string;
  readonly terminating: boolean;
  /** Where it is counted at present; undefined while it waits. */
  node: NodeInfo | undefined;

  constructor(
    /** The newest state; only what does not concern scheduling differs from that at construction. */
    public pod: Pod,
    readonly shape: PodShape,
  ) {
    this.uid = pod.metadata.uid ?? keyOf(pod);
    this.key = keyOf(pod);
    this.terminating = pod.metadata.deletionTimestamp !== undefined;
  }

  get priority(): number {
    return this.shape.priority;
  }
}

/** Finished pods hold nothing on their node. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
