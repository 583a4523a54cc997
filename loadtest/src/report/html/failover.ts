import type { FailoverReport } from '../schema.js';
import { stripChart, type Strip } from './chart.js';
import type { Body } from './page.js';
import { logScale } from './scale.js';
import { type Cell, duration, number, section, table, tiles } from './text.js';
import { latencyHeader, latencyRow, percentiles, timeline } from './timeline.js';

const colours = ['one', 'two', 'three', 'four'] as const;

export function failoverBody(report: FailoverReport, baseline: FailoverReport | undefined): Body {
  const sum = (of: (target: FailoverReport['targets'][number]) => number): number =>
    report.targets.reduce((total, target) => total + of(target), 0);
  const rounds = report.faults.reduce((total, fault) => total + fault.rounds, 0);
  const [first] = report.targets;
  return {
    title: `${number(rounds)} rounds of failure, ${number(sum((target) => target.lost))} writes lost`,
    lead: `${report.load}. Gaps are the times without success that writers, readers, watchers and controllers saw, a round each.`,
    content: [
      tiles([
        ['Acknowledged writes', number(sum((target) => target.acknowledged))],
        ['Lost', number(sum((target) => target.lost))],
        ['Doubled', number(sum((target) => target.doubled))],
        ['Watch faults', number(sum((target) => target.watchFaults))],
        [
          'Linearizable',
          report.targets.every(({ linearizable }) => linearizable === 'yes') ? 'yes' : 'see below',
          `${number(sum((target) => target.operations))} operations`,
        ],
      ]),
      section('Gaps', 'Milliseconds: median · p99 · longest of the rounds.', gapTables(report, baseline)),
      section('Every round', 'One dot a round.', gapStrips(report)),
      ...report.targets.map((target) =>
        section(
          `Over time: ${target.name}`,
          '',
          timeline(target.timeline, target.marks, { pointSeconds: target.pointSeconds }),
        ),
      ),
      first === undefined
        ? ''
        : section(
            'Latency of acknowledged writes',
            'Faults included.',
            percentiles(report.targets.map(({ name, latencyMs }) => ({ name, latency: latencyMs }))) +
              table(
                latencyHeader,
                report.targets.map(({ name, latencyMs }) => latencyRow({ name, latency: latencyMs })),
              ),
          ),
      section('What was checked', '', checks(report)),
      report.leftOut.length === 0
        ? ''
        : section(
            'Left out',
            '',
            table(
              ['fault', 'target', 'why'],
              report.leftOut.map(({ fault, target, why }) => [fault, target, why]),
            ),
          ),
    ].join(''),
  };
}

const observers = ['writers', 'readers', 'watchers', 'controllers'] as const;

function gapTables(report: FailoverReport, baseline: FailoverReport | undefined): string {
  const before = (target: string, fault: string, observer: string): string => {
    const found = baseline?.faults.find((each) => each.target === target && each.fault === fault);
    const gap = found?.gaps[observer];
    return gap === undefined ? '' : ` (${number(gap.p50)})`;
  };
  const rows = report.faults.map(({ target, fault, rounds, gaps }) => [
    `${fault}, ${target}`,
    String(rounds),
    ...observers.map((observer): string | Cell => {
      const gap = gaps[observer];
      if (gap === undefined) return { text: '–', kind: 'muted' };
      return `${number(gap.p50)}${before(target, fault, observer)} · ${number(gap.p99)} · ${number(gap.max)}`;
    }),
  ]);
  const note = baseline === undefined ? '' : 'In brackets: the median of the baseline.';
  return table(['', 'rounds', ...observers], rows, note);
}

function gapStrips({ faults, targets }: FailoverReport): string {
  const strips = (observer: (typeof observers)[number]): Strip[] =>
    faults.flatMap(({ target, fault, gaps }) => {
      const gap = gaps[observer];
      if (gap === undefined) return [];
      const colour = colours[targets.findIndex(({ name }) => name === target) % colours.length] ?? 'one';
      return [{ name: targets.length === 1 ? fault : `${fault}, ${target}`, colour, values: gap.values }];
    });
  return observers
    .map((observer) => {
      const shown = strips(observer);
      const values = shown.flatMap((strip) => strip.values);
      if (values.length === 0) return '';
      return stripChart(
        `Without success, ${observer}`,
        shown,
        logScale(Math.max(1, Math.min(...values)), Math.max(...values, 10)),
        duration,
      );
    })
    .join('');
}

function checks({ targets }: FailoverReport): string {
  const zero = (value: number): Cell => ({ text: number(value), kind: value === 0 ? 'good' : 'bad' });
  return table(
    [
      '',
      'acknowledged',
      'outcome unknown',
      'lost',
      'doubled',
      'phantom',
      'watch faults',
      'linearizable',
      'operations',
    ],
    targets.map((target) => [
      target.name,
      number(target.acknowledged),
      number(target.unknown),
      zero(target.lost),
      zero(target.doubled),
      zero(target.phantom),
      zero(target.watchFaults),
      { text: target.linearizable, kind: target.linearizable === 'yes' ? 'good' : 'bad' },
      number(target.operations),
    ]),
  );
}
