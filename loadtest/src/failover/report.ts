import type { About } from '../report/about.js';
import { checkedReport, type FailoverReport, schemaVersion } from '../report/schema.js';
import { spread } from '../stats.js';
import { formatTable } from '../../../apps/cli/src/ui/table.js';
import type { LabResult } from './lab.js';

export interface Circumstances {
  readonly about: About;
  readonly load: string;
  /** Peers that were asked for and are not here. */
  readonly absent: readonly { readonly target: string; readonly why: string }[];
}

type Gaps = FailoverReport['faults'][number]['gaps'][string];

function gapsOf(values: readonly number[]): Gaps {
  const sorted = values.toSorted((a, b) => a - b);
  const p99 = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99) - 1)] ?? 0;
  const { median, maximum } = spread(values);
  return { values: [...values], p50: median, p99, max: maximum };
}

function faultsOf({ target, rounds }: LabResult): FailoverReport['faults'] {
  const names = [...new Set(rounds.map(({ fault }) => fault))];
  return names.map((fault) => {
    const of = rounds.filter((round) => round.fault === fault);
    const observers = Object.keys(of[0]?.gapsMs ?? {});
    return {
      target,
      fault,
      rounds: of.length,
      gaps: Object.fromEntries(
        observers.map((observer) => [observer, gapsOf(of.map(({ gapsMs }) => gapsMs[observer] ?? 0))]),
      ),
    };
  });
}

export function makeReport(results: readonly LabResult[], about: Circumstances): FailoverReport {
  const verdicts = results.flatMap(({ target, judgement }) => {
    // The peers are measured and judged alike; the exit code is about Trireme.
    if (target !== 'trireme') return [];
    const none = (what: string, count: number) => ({ what, ok: count === 0, found: String(count) });
    return [
      none('no acknowledged write lost', judgement.lost),
      none('none doubled', judgement.doubled),
      none('none that nobody made', judgement.phantom),
      none('watches without gap or repetition', judgement.watchFaults),
      { what: 'linearizable', ok: judgement.linearizable === 'yes', found: judgement.linearizable },
      {
        what: 'something was written',
        ok: judgement.acknowledged > 0,
        found: `${judgement.acknowledged} writes`,
      },
    ];
  });
  return checkedReport<FailoverReport>({
    schema: schemaVersion,
    kind: 'failover',
    ...about.about,
    load: about.load,
    ok: verdicts.every(({ ok }) => ok),
    verdicts,
    targets: results.map(({ target, timeline, marks, judgement }) => {
      const { stories, ...counts } = judgement;
      const { points, pointSeconds } = timeline.points();
      return {
        name: target,
        timeline: points,
        pointSeconds,
        marks: [...marks],
        latencyMs: timeline.latencies.summary(),
        stories: [...stories],
        ...counts,
      };
    }),
    faults: results.flatMap(faultsOf),
    leftOut: [
      ...results.flatMap(({ target, leftOut }) => leftOut.map(({ fault, why }) => ({ target, fault, why }))),
      ...about.absent.map(({ target, why }) => ({ target, fault: 'all', why })),
    ],
  });
}

const observers = ['writers', 'readers', 'watchers', 'controllers'] as const;
const histogramBounds = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, Infinity] as const;
const longestBar = 40;

/** The table of gaps, a histogram of what writers felt, and the verdicts, for a terminal. */
export function formatReport(report: FailoverReport): string {
  const ms = (value: number): string => value.toFixed(0);
  const rows = report.faults.map(({ target, fault, rounds, gaps }) => [
    `${fault}, ${target}`,
    String(rounds),
    ...observers.map((observer) => {
      const gap = gaps[observer];
      return gap === undefined ? '–' : `${ms(gap.p50)} / ${ms(gap.p99)} / ${ms(gap.max)}`;
    }),
  ]);
  const lines = [
    'without success, ms: median / p99 / longest',
    formatTable(['fault', 'rounds', ...observers], rows),
    '',
    ...report.faults.flatMap(({ target, fault, gaps }) => [
      `writers, ${fault}, ${target}`,
      ...histogram(gaps['writers']?.values ?? []),
    ]),
    '',
  ];
  for (const target of report.targets) {
    lines.push(
      `${target.name}: ${target.acknowledged} acknowledged writes, ${target.unknown} of unknown outcome; ` +
        `${target.lost} lost, ${target.doubled} doubled, ${target.phantom} that nobody made; ` +
        `${target.watchFaults} watch faults; linearizable: ${target.linearizable} (${target.operations} operations)`,
      ...target.stories.map((story) => `  ${story.replaceAll('\n', '\n  ')}`),
    );
  }
  for (const { target, fault, why } of report.leftOut) lines.push(`left out: ${fault} on ${target}: ${why}`);
  for (const { what, ok, found } of report.verdicts) {
    if (!ok) lines.push(`FAILED: ${what} (${found})`);
  }
  return `${lines.join('\n')}\n`;
}

function histogram(values: readonly number[]): string[] {
  const counts = histogramBounds.map(
    (bound, i) => values.filter((value) => value <= bound && value > (histogramBounds[i - 1] ?? -1)).length,
  );
  const most = Math.max(1, ...counts);
  const [first, last] = [counts.findIndex((count) => count > 0), counts.findLastIndex((count) => count > 0)];
  return counts.flatMap((count, i) => {
    if (i < first || i > last) return [];
    const bound = histogramBounds[i] ?? Infinity;
    const label = bound === Infinity ? 'more' : `≤ ${bound} ms`;
    const bar = '█'.repeat(Math.ceil((count / most) * longestBar));
    return [`  ${label.padStart(10)}  ${bar} ${count}`];
  });
}
