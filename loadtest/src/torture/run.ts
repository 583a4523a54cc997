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
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Runs the rounds, one fault each, every fault as often as the others, under clients whose every answer is judged. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const started = performance.now();
  const rounds: RoundReport[] = [];
  const epochs: EpochVerdict[] = [];
  const violations: Violation[] = [];
  const order = schedule(options);
  for (let done = 0; done < order.length && !options.signal.aborted;) {
    const epoch = await Epoch.start(options.cluster, epochs.length + 1, options.random.fork());
    const windows: RoundWindow[] = [];
    const batch = order.slice(done, done + roundsPerEpoch);
    for (const [i, fault] of batch.entries()) {
      if (options.signal.aborted) break;
      const outcome = await playRound(options, epoch, done + i + 1, fault);
      windows.push(outcome.report);
      rounds.push(outcome.report);
      violations.push(...outcome.violations);
      options.say(line(outcome.report));
      if (outcome.violations.length > 0) break;
    }
    done += batch.length;
    if (violations.some(({ kind }) => kind === 'did not heal')) {
      // There is nobody to ask what stands; the clients are sent home.
      await epoch.abandon();
      break;
    }
    const record = await epoch.finish();
    const verdict = judge(record, windows);
    epochs.push(verdict);
    violations.push(...verdict.violations);
    options.say(
      `  judged ${verdict.operations} operations and ${verdict.watchEvents} watch events: ` +
        (verdict.violations.length === 0 ? 'all as promised' : `${verdict.violations.length} violations`),
    );
    await epoch.clear();
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
  await sleep(random.between(300, 800), undefined, { signal }).catch(() => undefined);
  const leader = await cluster.leader();
  const followers = cluster.masters.filter((master) => master !== leader);
  const from = performance.now();
  const undo = await fault.inject({ cluster, capabilities, random, leader, followers });
  await sleep(random.between(...fault.holdMs), undefined, { signal }).catch(() => undefined);
  await undo();
  const undone = performance.now();
  for (const master of cluster.masters) master.start();
  await cluster.healed().catch((error: Error) => accuse('did not heal', error.message));
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
