import { spread } from '../../stats.js';
import type { BenchReport } from '../schema.js';
import type { Body } from './page.js';
import { type Cell, number, section, table, tiles } from './text.js';

type Row = BenchReport['rows'][number];

export function benchBody(report: BenchReport, baseline: BenchReport | undefined): Body {
  const judged = report.rows.filter(({ bar }) => bar !== null);
  const met = judged.filter(({ bar }) => bar?.ok === true).length;
  return {
    title: 'Beside its peers',
    lead: 'Each figure of Trireme and of a peer from the same run on the same machine, one after the other: medians, with the lowest and highest run. Only ratios travel.',
    content: [
      tiles([
        ['Bars met', `${met} of ${judged.length}`],
        ['Rows', number(report.rows.length)],
        ['Runs', number(report.runs)],
      ]),
      section(
        'Figures',
        '',
        table(
          header(baseline),
          report.rows.map((row) => cells(row, baseline)),
        ),
      ),
      report.absent.length === 0
        ? ''
        : section(
            'Absent peers',
            '',
            table(
              ['peer', 'leaves out'],
              report.absent.map(({ peer, leavesOut }) => [peer, leavesOut]),
            ),
          ),
    ].join(''),
  };
}

const header = (baseline: BenchReport | undefined): string[] => [
  '',
  'unit',
  'Trireme',
  'peer',
  'ratio',
  'bar',
  '',
  ...(baseline === undefined ? [] : ['baseline']),
];

function cells(row: Row, baseline: BenchReport | undefined): (string | Cell)[] {
  const { bar, ratio } = row;
  const before = baseline?.rows.find((each) => each.row === row.row);
  return [
    row.row,
    row.unit,
    figure(row.trireme.values),
    row.peer === null ? { text: 'absent', kind: 'muted' } : `${figure(row.peer.values)} ${row.peer.target}`,
    ratio === null ? { text: '–', kind: 'muted' } : `${number(ratio)}×`,
    bar?.text ?? '',
    bar === null ? '' : { text: bar.ok ? '✓' : '✗', kind: bar.ok ? 'good' : 'bad' },
    ...(baseline === undefined ? [] : [before === undefined ? '–' : figure(before.trireme.values)]),
  ];
}

function figure(values: readonly number[]): string {
  const { median, minimum, maximum } = spread(values);
  return values.length < 2 ? number(median) : `${number(median)} (${number(minimum)}–${number(maximum)})`;
}
