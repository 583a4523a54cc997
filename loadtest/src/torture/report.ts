import type { Fault } from './faults/fault.js';
import type { TortureReport } from './run.js';

/** The report for people: a line a fault, what was done in all, and every broken promise as a story. */
export function render(report: TortureReport, faults: readonly Fault[]): string {
  const rows = faults.flatMap(({ name }) => {
    const rounds = report.rounds.filter((round) => round.fault === name);
    if (rounds.length === 0) return [];
    const longest = (of: (round: (typeof rounds)[number]) => number): string =>
      `${Math.max(...rounds.map(of)).toFixed(0)} ms`;
    const faultsFound = report.violations.filter(({ fault }) => fault.split(', ').includes(name)).length;
    return [
      [
        name,
        String(rounds.length),
        longest((round) => round.writersGapMs),
        longest((round) => round.readersGapMs),
        longest((round) => round.healMs),
        String(faultsFound),
      ],
    ];
  });
  const head = ['FAULT', 'ROUNDS', 'NO WRITE FOR', 'NO READ FOR', 'WHOLE AFTER', 'VIOLATIONS'];
  const sum = (of: (epoch: TortureReport['epochs'][number]) => number): number =>
    report.epochs.reduce((total, epoch) => total + of(epoch), 0);
  const count = (kind: string): number => report.violations.filter((each) => each.kind === kind).length;
  return [
    table([head, ...rows]),
    '',
    `seed                   ${report.seed}`,
    `rounds                 ${report.rounds.length} in ${(report.durationMs / 1_000).toFixed(0)} s`,
    `operations             ${sum((epoch) => epoch.operations)}`,
    `acknowledged writes    ${sum((epoch) => epoch.acknowledgedWrites)}`,
    `writes without answer  ${sum((epoch) => epoch.unknownWrites)}`,
    `watch events           ${sum((epoch) => epoch.watchEvents)}`,
    `lost                   ${count('lost')}`,
    `doubled                ${count('doubled')}`,
    `histories              ${count('not linearizable') === 0 ? 'linearizable' : 'NOT LINEARIZABLE'}`,
    `watches                ${count('watch') === 0 ? 'complete and in order' : 'BROKEN'}`,
    `violations             ${report.violations.length}`,
    ...report.leftOut.map((text) => `left out               ${text}`),
    ...report.violations.map(
      (each) => `\n✗ ${each.kind} (round ${each.rounds}, ${each.fault})\n${each.text}`,
    ),
    '',
  ].join('\n');
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
    )
    .join('\n');
}
