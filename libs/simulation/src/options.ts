import { Stream } from './random.js';

/** What one run simulates; all of it follows from its seed. */
export interface RunOptions {
  readonly seed: number;
  /** Events until faults end and the group must converge. */
  readonly events: number;
  /** Keep a readable account of the run. */
  readonly tell?: boolean;
  /** Numbers of faults, from 1, that do not strike: what shrinking takes away. All others stay as they were. */
  readonly skip?: readonly number[];
}

/** How the group of a run is made, and what goes wrong in it. Durations in milliseconds, sizes in bytes. */
export interface Scenario {
  readonly servers: number;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly snapshotEntries: number;
  readonly segmentBytes: number;
  readonly logKeepBytes: number;
  readonly retentionRevisions: number;
  readonly maxBytesPerMessage: number;
  readonly maxInflightMessages: number;
  readonly sectorBytes: number;
  readonly diskLatencyMs: number;
  readonly networkDelayMs: number;
  readonly clients: number;
  readonly keys: number;
  readonly thinkMs: number;
  readonly maxValueBytes: number;
  /** Mean time between two faults. */
  readonly faultEveryMs: number;
  /** Before all links are whole at the end, some stay cut: the rest must do without, and in peace. */
  readonly lastCut: 'none' | 'deaf leader' | 'mute leader' | 'deaf follower' | 'follower cut off';
  /** Of each sort of fault, how likely it is against the others; 0 leaves it out of this run. */
  readonly weights: {
    readonly network: number;
    readonly process: number;
    readonly power: number;
    readonly disk: number;
    readonly clock: number;
    readonly members: number;
  };
}

/** Draws a scenario: most runs are mixed, some have one sort of trouble only, a few have none. */
export function drawScenario(seed: number): Scenario {
  const random = new Stream(seed, 'scenario');
  const weight = (): number => (random.chance(0.25) ? 0 : random.between(0.2, 1));
  return {
    servers: random.pick([3, 3, 3, 3, 3, 5, 5, 1]),
    tickMs: random.pick([10, 20, 40]),
    electionTicks: random.pick([5, 10]),
    heartbeatTicks: random.pick([1, 2]),
    snapshotEntries: random.pick([15, 40, 40, 150]),
    segmentBytes: random.pick([9 << 10, 12 << 10, 24 << 10]),
    logKeepBytes: random.pick([300, 2_000, 20_000]),
    retentionRevisions: random.pick([20, 100, 1_000]),
    maxBytesPerMessage: random.pick([60, 400, 1 << 20]),
    maxInflightMessages: random.pick([1, 4, 256]),
    sectorBytes: random.pick([64, 512]),
    diskLatencyMs: random.pick([0.1, 0.3, 2]),
    networkDelayMs: random.pick([0.05, 0.2, 1, 4]),
    clients: random.int(2, 7),
    keys: random.pick([1, 3, 8]),
    thinkMs: random.pick([2, 10, 40]),
    maxValueBytes: random.pick([0, 50, 400]),
    faultEveryMs: random.chance(0.04) ? 1e9 : random.pick([40, 120, 400]),
    lastCut: random.pick(['none', 'none', 'deaf leader', 'mute leader', 'deaf follower', 'follower cut off']),
    weights: {
      network: weight(),
      process: weight(),
      power: weight(),
      disk: weight() * 0.5,
      clock: weight() * 0.3,
      members: random.chance(0.5) ? 0 : random.between(0.3, 1),
    },
  };
}
