import type { LoadReport } from '../schema.js';
import type { Body } from './page.js';
import { type Cell, duration, number, section, table, tiles } from './text.js';
import { latencyHeader, latencyRow, percentiles, timeline } from './timeline.js';

const models = {
  'due-time': 'Open model: latencies count from when a request was due, however late it was sent.',
  'open-model': 'Open model: requests start when they are due, or are counted as not sent.',
  none: 'Closed loop: each client sends its next request when the last one was answered.',
} as const;

export function loadBody(report: LoadReport, baseline: LoadReport | undefined): Body {
  const { latencyMs, targetRate } = report;
  const wanted =
    targetRate === null
      ? undefined
      : targetRate.from === targetRate.to
        ? `${number(targetRate.from)} iterations/s wanted`
        : `${number(targetRate.from)} → ${number(targetRate.to)} iterations/s wanted`;
  const distributions = [
    { name: 'all requests', latency: latencyMs },
    ...Object.entries(report.steps).map(([name, step]) => ({ name, latency: step.latencyMs })),
  ];
  const shown = distributions.length === 2 ? distributions.slice(0, 1) : distributions;
  const compared = baseline === undefined ? [] : [{ name: 'baseline', latency: baseline.latencyMs }];
  return {
    title: `${report.scenario} on ${report.target}`,
    lead: `${report.clients} clients over ${report.protocol} by ${report.engine}. ${models[report.coordinatedOmission]}`,
    content: [
      tiles([
        ['Achieved', `${number(report.achievedRate)}/s`, wanted ?? 'closed loop'],
        ['Median', duration(latencyMs.p50)],
        ['p99', duration(latencyMs.p99)],
        ['p99.99', duration(latencyMs['p99.99'])],
        ['Errors', number(report.errors), `of ${number(report.requests)} requests`],
        ...(report.dropped > 0
          ? ([['Not sent', number(report.dropped), 'no client was free']] as const)
          : []),
      ]),
      report.firstError === null ? '' : section('First error', report.firstError, ''),
      section(
        'Over time',
        '',
        timeline(report.timeline, report.marks, { pointSeconds: 1, ...rateOf(report) }),
      ),
      section(
        'Percentiles',
        '',
        percentiles([...shown.slice(0, 1), ...compared, ...shown.slice(1)]) +
          table(latencyHeader, shown.map(latencyRow)),
      ),
      baseline === undefined ? '' : comparison(report, baseline),
    ].join(''),
  };
}

/** The wanted rate, where an iteration is one request: else the two would not be the same measure. */
function rateOf({ targetRate, iterationRequests, seconds }: LoadReport): {
  readonly targetRate?: (second: number) => number;
} {
  if (targetRate === null || iterationRequests !== 1) return {};
  const { from, to } = targetRate;
  return { targetRate: (second) => from + ((to - from) * Math.min(second, seconds)) / seconds };
}

function comparison(report: LoadReport, baseline: LoadReport): string {
  const row = (
    name: string,
    now: number,
    then: number,
    text: (value: number) => string,
    better: 'higher' | 'lower',
  ): (string | Cell)[] => {
    if (then === 0) return [name, text(now), text(then), { text: '–', kind: 'muted' }];
    const change = (now / then - 1) * 100;
    const improved = better === 'higher' ? change > 0 : change < 0;
    // What two runs on one machine differ by anyhow.
    const kind = Math.abs(change) < 5 ? 'muted' : improved ? 'good' : 'bad';
    return [name, text(now), text(then), { text: `${change >= 0 ? '+' : ''}${number(change)} %`, kind }];
  };
  const rate = (value: number): string => `${number(value)}/s`;
  const note = `${baseline.command}, ${baseline.startedAt.slice(0, 16).replace('T', ' ')}${baseline.commit === null ? '' : `, commit ${baseline.commit}`}`;
  return section(
    'Against the baseline',
    note,
    table(
      ['', 'now', 'baseline', 'change'],
      [
        row('rate', report.achievedRate, baseline.achievedRate, rate, 'higher'),
        ...(['p50', 'p95', 'p99', 'p99.9', 'p99.99', 'max'] as const).map((p) =>
          row(p === 'max' ? 'highest' : p, report.latencyMs[p], baseline.latencyMs[p], duration, 'lower'),
        ),
        row('errors', report.errors, baseline.errors, number, 'lower'),
      ],
    ),
  );
}
