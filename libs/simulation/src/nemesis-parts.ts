import type { Coverage } from './coverage.js';
import type { Network } from './network.js';
import type { Observer } from './observer.js';
import type { Scenario } from './options.js';
import type { Stream } from './random.js';
import type { Server } from './server.js';
import type { Simulator } from './simulator.js';

export interface NemesisParts {
  readonly seed: number;
  readonly simulator: Simulator;
  readonly scenario: Scenario;
  readonly servers: readonly Server[];
  readonly network: Network;
  readonly observer: Observer;
  readonly coverage: Coverage;
  /** Numbers of faults that do not strike. */
  readonly skip: ReadonlySet<number>;
  /** Starts a server that was added to the group. */
  readonly enlist: (id: number) => void;
}

/** What sorts of faults are made of: everything it begins ends by itself or when all faults end. */
export interface Striker {
  /** Of the fault that strikes. */
  readonly random: Stream;
  /** Faults so far. */
  readonly count: number;
  note(line: string): void;
  until(meanMs: number, end: () => void): void;
  after(ms: number, then: () => void): void;
  pause(server: Server, which: 'main' | 'consensus' | 'both', meanMs: number): void;
  /** Starts a server that has crashed, after a while. */
  restart(server: Server): void;
  leader(): Server | undefined;
  /** One that is up, the leader more often than others. */
  victim(): Server | undefined;
}
