import { setMaxListeners } from 'node:events';
import { performance } from 'node:perf_hooks';
import type { Mark } from '../report/schema.js';
import { LeaderWatch } from '../measures/leader-watch.js';
import { waitFor } from '../processes.js';
import type { FaultName, LabTarget } from './lab-target.js';
import { judge, type Judgement } from './judge.js';
import {
  controllers,
  makeRegisters,
  Observations,
  readRegisters,
  updateRegisters,
  Watcher,
  write,
} from './observers.js';
import { Timeline } from './pulse.js';
import { calm, type Round, runRound } from './rounds.js';

export interface LabOptions {
  readonly faults: readonly FaultName[];
  /** Of each fault. */
  readonly rounds: number;
  readonly writers: number;
  /** Told of each round that is over. */
  readonly onRound: (round: Round, number: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface LabResult {
  readonly target: string;
  readonly rounds: readonly Round[];
  readonly leftOut: readonly { readonly fault: FaultName; readonly why: string }[];
  readonly timeline: Timeline;
  readonly marks: readonly Mark[];
  readonly judgement: Judgement;
  /** Ended before all rounds: by Ctrl-C. */
  readonly interrupted: boolean;
}

const registerClients = 3;
const pointSeconds = 0.25;
const leaderLookMs = 40;
/** Every watcher is given this long to hear of what was written last. */
const catchUpMs = 30_000;

/**
 * Runs rounds of faults, one kind after the other in turns, under writers, readers, watchers and controllers that never
 * stop; then judges everything that they saw. What was run until Ctrl-C is judged, too.
 */
export async function runLab(target: LabTarget, options: LabOptions): Promise<LabResult> {
  const startMs = performance.now();
  const timeline = new Timeline(startMs, pointSeconds);
  const seen = new Observations(timeline);
  const stop = new AbortController();
  const watching = new AbortController();
  // As many observers as there are wait on them at a time.
  for (const each of [stop, watching]) setMaxListeners(0, each.signal);
  const marks: Mark[] = [];
  const observed = { target, seen, signal: stop.signal };
  await makeRegisters(observed);
  const after = await positionOf(target);
  const watchers = Array.from(
    { length: target.servers },
    (_, i) => new Watcher({ ...observed, signal: watching.signal }, `watcher-${i}`, after),
  );
  const watched = watchers.map(async (watcher, i) => watcher.run(i));
  const working = [
    ...Array.from({ length: options.writers }, async (_, i) => write(observed, i)),
    ...Array.from({ length: registerClients }, async (_, i) => updateRegisters(observed, i)),
    ...Array.from({ length: registerClients }, async (_, i) => readRegisters(observed, i)),
    controllers(observed),
    followLeader(target, startMs, marks, stop.signal),
  ];
  const rounds: Round[] = [];
  const leftOut: { fault: FaultName; why: string }[] = [];
  let interrupted = false;
  try {
    await calm({ target, seen, signal: options.signal });
    await allRounds(rounds, leftOut);
  } catch (error) {
    if (!options.signal.aborted) throw error;
    interrupted = true;
  } finally {
    stop.abort();
    await Promise.all(working);
  }
  const standing = await settle(target, watchers);
  watching.abort();
  await Promise.all(watched);
  return {
    target: target.name,
    rounds,
    leftOut,
    timeline,
    marks: marks.sort((a, b) => a.at - b.at),
    judgement: judge(seen, target.prefix, standing),
    interrupted,
  };

  async function allRounds(done: Round[], without: typeof leftOut): Promise<void> {
    const total = options.rounds * options.faults.length;
    for (let n = 0; n < total; n++) {
      const name = options.faults[n % options.faults.length] as FaultName;
      if (without.some(({ fault }) => fault === name)) continue;
      const fault = await target.fault(name);
      if (typeof fault === 'string') {
        without.push({ fault: name, why: fault });
        continue;
      }
      const round = await runRound(name, fault, { ...observed, startMs, marks, signal: options.signal });
      done.push(round);
      options.onRound(round, n + 1, total);
    }
  }
}

async function positionOf(target: LabTarget): Promise<number> {
  const connection = await target.connect(0);
  try {
    return (await connection.list(target.prefix)).revision;
  } finally {
    connection.close();
  }
}

/** Waits until every watcher has heard of the last write, and returns the keys that stand. */
async function settle(target: LabTarget, watchers: readonly Watcher[]): Promise<readonly string[]> {
  await waitFor('health at the end', catchUpMs, async () => target.healthy());
  const connection = await target.connect(0);
  try {
    // A key of no writer: its event is the last that there is to hear of.
    const { revision } = await connection.create(`${target.prefix}end`, 'end');
    await waitFor('the watchers have heard of everything', catchUpMs, async () =>
      watchers.every(({ position }) => position >= revision),
    );
    return (await connection.list(target.prefix)).keys;
  } finally {
    connection.close();
  }
}

async function followLeader(
  { leaders }: LabTarget,
  startMs: number,
  marks: Mark[],
  signal: AbortSignal,
): Promise<void> {
  if ('masters' in leaders) {
    const watch = new LeaderWatch(leaders.masters, startMs, leaderLookMs, (mark) => marks.push(mark));
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    watch.stop();
    return;
  }
  let last = '';
  while (!signal.aborted) {
    const leader = await leaders.ask().catch(() => undefined);
    const label = leader === undefined ? last : `${leader.name}, term ${leader.term}`;
    if (label !== last) marks.push({ at: (performance.now() - startMs) / 1_000, kind: 'leader', label });
    last = label;
    await new Promise((resolve) => setTimeout(resolve, leaderLookMs));
  }
}
