import type { NodeInfo } from '../cache/node-info.js';
import type { Status } from './status.js';

/** Why a pod fits nowhere. */
export interface Diagnosis {
  readonly nodeCount: number;
  /** One for each node looked at. */
  readonly refusals: readonly { readonly node: NodeInfo; readonly status: Status }[];
  /** Set where the pod was refused before any node was looked at. */
  readonly preFilter: Status | undefined;
  /** Plugins that refused it. */
  readonly plugins: ReadonlySet<string>;
}

/** `0/3 nodes are available: 1 Insufficient memory, 2 node(s) had untolerated taint(s).` (FitError.Error) */
export function messageOf({ nodeCount, refusals, preFilter }: Diagnosis): string {
  const head = `0/${nodeCount} nodes are available`;
  if (preFilter !== undefined) return `${head}: ${preFilter.reasons.join(', ')}.`;
  if (refusals.length === 0) return nodeCount === 0 ? 'no nodes available to schedule pods' : `${head}.`;
  const counts = new Map<string, number>();
  for (const { status } of refusals)
    for (const reason of status.reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `${head}: ${parts.join(', ')}.`;
}
