import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Capabilities } from './capabilities.js';
import type { TortureCluster } from './cluster/cluster.js';
import { Epoch } from './epoch.js';
import type { Fault } from './faults/fault.js';
import { type EpochVerdict, judge, type RoundWindow } from './judge.js';
import type { Random } from './random.js';
import { longestGapMs, type ServiceHistory } from './recorder.js';
import type { Violation } from './violation.js';

/** Rounds that share clients and keys; their history is judged as one. */
const roundsPerEpoch = 10;

export interface RoundReport extends RoundWindow {
  /** The longest time without any acknowledged write, of the service that suffered more; in milliseconds. */
  readonly writersGapMs: number;
  readonly readersGapMs: number;
  /** Undoing the fault → every master ready and caught up. */
  readonly healMs: number;
}

export interface TortureReport {
  readonly seed: number;
  readonly rounds: readonly RoundReport[];
  readonly epochs: readonly EpochVerdict[];
  readonly violations: readonly Violation[];
  readonly leftOut: readonly string[];
  readonly durationMs: number;
}

export interface TortureOptions {
  readonly cluster: TortureCluster;
  readonly capabilities: Capabilities;
  readonly faults: readonly Fault[];
  readonly rounds: number;
  readonly random: Random;
  readonly seed: number;
  /** A check of the check: the clients' reads are not linearizable, and the verdict must say so. */
  readonly staleReads: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * Runs the rounds, one fault each, every fault as often as the others, under clients whose every answer is judged.
 * An aborted signal ends it at once: what was judged by then is reported.
 */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const started = performance.now();
  const rounds: RoundReport[] = [];
  const epochs: EpochVerdict[] = [];
  const violations: Violation[] = [];
  const order = schedule(options);
  for (let done = 0; done < order.length; done += roundsPerEpoch) {
    const played = await playEpoch(
      options,
      epochs.length + 1,
      done,
      order.slice(done, done + roundsPerEpoch),
    );
    rounds.push(...played.rounds);
    violations.push(...played.violations);
    if (played.verdict === undefined) break;
    epochs.push(played.verdict);
    violations.push(...played.verdict.violations);
  }
  return {
    seed: options.seed,
    rounds,
    epochs,
    violations,
    leftOut: options.capabilities.missing,
    durationMs: performance.now() - started,
  };
}

interface PlayedEpoch {
  readonly rounds: readonly RoundReport[];
  /** What showed during the rounds. */
  readonly violations: readonly Violation[];
  /** Undefined where the cluster did not become whole again, or the run was interrupted: there is nobody to ask what stands. */
  readonly verdict: EpochVerdict | undefined;
}

async function playEpoch(
  options: TortureOptions,
  number: number,
  before: number,
  faults: readonly Fault[],
): Promise<PlayedEpoch> {
  const { cluster, random, signal, say } = options;
  const rounds: RoundReport[] = [];
  const violations: Violation[] = [];
  const epoch = await Epoch.start(cluster, number, {
    random: random.fork(),
    staleReads: options.staleReads,
  });
  try {
    for (const [i, fault] of faults.entries()) {
      const outcome = await playRound(options, epoch, before + i + 1, fault);
      rounds.push(outcome.report);
      violations.push(...outcome.violations);
      say(line(outcome.report));
      if (outcome.violations.length > 0) break;
    }
  } catch (error) {
    await epoch.abandon();
    if (!signal.aborted) throw error;
    return { rounds: [], violations: [], verdict: undefined };
  }
  if (violations.some(({ kind }) => kind === 'did not heal')) {
    await epoch.abandon();
    return { rounds, violations, verdict: undefined };
  }
  const verdict = judge(await epoch.finish(), rounds);
  const found =
    verdict.violations.length === 0 ? 'all as promised' : `${verdict.violations.length} violations`;
  say(`  judged ${verdict.operations} operations and ${verdict.watchEvents} watch events: ${found}`);
  await epoch.clear();
  return { rounds, violations, verdict };
}

function schedule({ faults, rounds, random }: TortureOptions): Fault[] {
  const order: Fault[] = [];
  while (order.length < rounds) order.push(...random.shuffled(faults));
  return order.slice(0, rounds);
}

function line(round: RoundReport): string {
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  return (
    `round ${String(round.round).padStart(3)}  ${round.fault.padEnd(22)} ` +
    `writers ${ms(round.writersGapMs).padStart(8)}  readers ${ms(round.readersGapMs).padStart(8)}  ` +
    `whole after ${ms(round.healMs)}`
  );
}

async function playRound(
  options: TortureOptions,
  epoch: Epoch,
  round: number,
  fault: Fault,
): Promise<{ readonly report: RoundReport; readonly violations: readonly Violation[] }> {
  const { cluster, capabilities, random, signal } = options;
  const violations: Violation[] = [];
  const accuse = (kind: Violation['kind'], text: string): void => {
    violations.push({ kind, text, fault: fault.name, rounds: String(round) });
  };
  await sleep(random.between(300, 800), undefined, { signal });
  const leader = await cluster.leader();
  const followers = cluster.masters.filter((master) => master !== leader);
  const from = performance.now();
  const undo = await fault.inject({ cluster, capabilities, random, leader, followers });
  await sleep(random.between(...fault.holdMs), undefined, { signal });
  await undo();
  const undone = performance.now();
  const healed = cluster.healed({ restart: true });
  await healed.catch((error: Error) => {
    signal.throwIfAborted();
    accuse('did not heal', error.message);
  });
  const to = performance.now();
  for (const { master, how } of cluster.takeEnds()) {
    if (fault.endsMasters !== true) accuse('ended by itself', `${master}: ${how}`);
  }
  const services = Object.values(epoch.histories);
  const gap = (times: (history: ServiceHistory) => readonly number[]): number =>
    Math.max(...services.map((history) => longestGapMs(times(history), from, to)));
  const report = {
    round,
    fault: fault.name,
    from,
    to,
    writersGapMs: gap(({ writesAt }) => writesAt),
    readersGapMs: gap(({ readsAt }) => readsAt),
    healMs: to - undone,
  };
  return { report, violations };
}
