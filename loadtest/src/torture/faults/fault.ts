import type { Capabilities, Need } from '../capabilities.js';
import type { TortureCluster } from '../cluster/cluster.js';
import type { Master } from '../cluster/master.js';
import type { Random } from '../random.js';

export interface FaultContext {
  readonly cluster: TortureCluster;
  readonly capabilities: Capabilities;
  readonly random: Random;
  readonly leader: Master;
  readonly followers: readonly Master[];
}

/** Something that goes wrong. */
export interface Fault {
  readonly name: string;
  readonly does: string;
  readonly needs: readonly Need[];
  /** A master may end by itself in it, with a clear error, and will be started again. */
  readonly endsMasters?: boolean;
  /** How long it stays, in milliseconds, beyond what it does itself. */
  readonly holdMs: readonly [number, number];
  /** Makes it happen; resolves to what undoes it. Masters that are down are started by the caller afterwards. */
  readonly inject: (context: FaultContext) => Promise<() => Promise<void>>;
}

/** For faults with nothing to undo. */
export const nothing = async (): Promise<void> => undefined;

/** What the others are to a master. */
export function peersOf(cluster: TortureCluster, master: Master): readonly Master[] {
  return cluster.masters.filter((other) => other !== master);
}

export function indexOf(cluster: TortureCluster, master: Master): number {
  return cluster.masters.indexOf(master);
}
