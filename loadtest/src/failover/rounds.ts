import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../processes.js';
import type { Mark } from '../report/schema.js';
import type { Fault, FaultName, LabTarget } from './lab-target.js';
import type { Observations } from './observers.js';

/** Before a fault everything has gone well for this long, and after it again: gaps belong to one round. */
const calmMs = 700;
const healthyTimeoutMs = 90_000;

export interface Round {
  readonly fault: FaultName;
  /** Milliseconds without success, by who felt it. */
  readonly gapsMs: Readonly<Record<string, number>>;
}

export interface RoundOptions {
  readonly target: LabTarget;
  readonly seen: Observations;
  readonly startMs: number;
  readonly marks: Mark[];
  readonly signal: AbortSignal;
}

/** One round: calm, fault, heal, calm; the gaps that each kind of observer saw between the calms. */
export async function runRound(name: FaultName, fault: Fault, options: RoundOptions): Promise<Round> {
  const { seen, target, signal } = options;
  const from = performance.now();
  const mark: Mark = { at: seconds(options, from), kind: 'fault', label: name };
  options.marks.push(mark);
  try {
    await fault.inject();
    if (fault.lastsMs > 0) {
      await sleep(fault.lastsMs, undefined, { signal });
      mark.until = seconds(options, performance.now());
    }
  } finally {
    await fault.heal();
  }
  if (fault.lastsMs > 0)
    options.marks.push({ at: seconds(options, performance.now()), kind: 'heal', label: 'healed' });
  await calm(options);
  const to = performance.now();
  const { writers, readers, controllers } = seen.pulses;
  return {
    fault: name,
    gapsMs: {
      writers: writers.longestGapMs(from, to),
      readers: readers.longestGapMs(from, to),
      watchers: Math.max(...seen.watchers.map((watcher) => watcher.longestGapMs(from, to))),
      ...(target.controllers === undefined ? {} : { controllers: controllers.longestGapMs(from, to) }),
    },
  };
}

const seconds = ({ startMs }: RoundOptions, at: number): number => (at - startMs) / 1_000;

/** All servers are there, and every kind of observer has had success since they are. */
export async function calm({ target, seen, signal }: Omit<RoundOptions, 'marks' | 'startMs'>): Promise<void> {
  await waitFor('every server is healthy again', healthyTimeoutMs, async () => {
    signal.throwIfAborted();
    return target.healthy();
  });
  const since = performance.now();
  const { writers, readers, controllers } = seen.pulses;
  const pulses = [
    writers,
    readers,
    ...seen.watchers,
    ...(target.controllers === undefined ? [] : [controllers]),
  ];
  await waitFor('success of every observer', healthyTimeoutMs, async () => {
    signal.throwIfAborted();
    return pulses.every((pulse) => pulse.beatSince(since));
  });
  await sleep(calmMs, undefined, { signal });
}
