/**
 * `npm run bench:peers`: every figure that Trireme is held to, beside the real peers (etcd, kube-apiserver, kube-scheduler from
 * the PATH) in the same run, with the same clients: medians, spread, ratio and bar. A peer that is absent is named.
 *
 *     npm run bench:peers -- --runs 3 --rows etcd,read,write --report bench.html --json bench.json
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { integer } from '../../apps/cli/src/commands/options.js';
import { reportError } from '../../apps/cli/src/ui/errors.js';
import { judgeBar, type RowDefinition } from './peers/bars.js';
import type { BenchContext, PeerName, RowGroup } from './peers/context.js';
import { readRows, watchRows, writeRows } from './peers/api-rows.js';
import { etcdRows, portRows } from './peers/etcd-rows.js';
import { failoverRows } from './peers/failover-rows.js';
import { definitions } from './peers/rows.js';
import { schedulerAloneRows, schedulingRows } from './peers/scheduling-rows.js';
import { idleRows, sizeRows } from './peers/whole-rows.js';
import { findProgram } from './processes.js';
import { aboutThis } from './report/about.js';
import { outputFlags, outputsOf } from './report/outputs.js';
import { type BenchReport, checkedReport, readReport, schemaVersion } from './report/schema.js';
import { writeOutputs } from './report/write.js';
import { spread } from './stats.js';

const groups: readonly RowGroup[] = [
  etcdRows,
  portRows,
  readRows,
  writeRows,
  watchRows,
  schedulingRows,
  schedulerAloneRows,
  failoverRows,
  idleRows,
  sizeRows,
];

interface Flags {
  readonly runs: number;
  readonly seconds: number;
  readonly pods: number;
  readonly rounds: number;
  readonly rows: readonly RowGroup[];
  readonly peers: boolean;
}

function groupsOf(text: string): readonly RowGroup[] {
  return text.split(',').map((name) => {
    const found = groups.find((group) => group.name === name);
    if (found === undefined)
      throw new InvalidArgumentError(`rows are ${groups.map((group) => group.name).join(', ')}.`);
    return found;
  });
}

const width = Math.max(...groups.map(({ name }) => name.length));
const command = outputFlags(
  new Command('bench:peers')
    .description(
      `measure Trireme beside its peers:\n${groups.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}`,
    )
    .addOption(
      new Option('--runs <n>', 'how often everything is repeated').default(3).argParser(integer(1, 20)),
    )
    .addOption(new Option('--seconds <n>', 'length of each load').default(5).argParser(integer(1, 120)))
    .addOption(
      new Option('--pods <n>', 'pods that reads find; the bars are for 10000')
        .default(10_000)
        .argParser(integer(100, 50_000)),
    )
    .addOption(
      new Option('--rounds <n>', 'rounds of each fault, a run').default(10).argParser(integer(1, 200)),
    )
    .addOption(new Option('--rows <list>', 'groups of rows').default(groups, 'all').argParser(groupsOf))
    .option('--no-peers', 'measure Trireme alone'),
);

const programs: Readonly<Record<PeerName, readonly string[]>> = {
  etcd: ['etcd'],
  'kube-apiserver': ['etcd', 'kube-apiserver'],
  'kube-scheduler': ['kube-scheduler'],
};

/** Figures by row and target, in the order in which they first came. */
class Figures implements Pick<BenchContext, 'record' | 'define'> {
  readonly #rows = new Map<string, { definition: RowDefinition; by: Map<string, number[]> }>();

  constructor(known: readonly RowDefinition[]) {
    for (const definition of known) this.#rows.set(definition.row, { definition, by: new Map() });
  }

  readonly define = (definition: RowDefinition): void => {
    if (!this.#rows.has(definition.row)) this.#rows.set(definition.row, { definition, by: new Map() });
  };

  readonly record = (target: string, row: string, value: number): void => {
    // With another number of pods than the bars are for, a row is a figure to look at.
    this.define({ row, unit: 'ms', better: 'lower' });
    const { by, definition } = this.#rows.get(row) ?? {
      by: new Map<string, number[]>(),
      definition: { unit: '' },
    };
    by.set(target, [...(by.get(target) ?? []), value]);
    process.stderr.write(`  ${target}: ${row}: ${value.toFixed(2)} ${definition.unit}\n`);
  };

  rows(): BenchReport['rows'] {
    return [...this.#rows.values()].flatMap(({ definition, by }) => {
      const trireme = by.get('trireme') ?? [];
      if (trireme.length === 0) return [];
      const [peer] = [...by].filter(([name]) => name !== 'trireme');
      const { row, unit, better } = definition;
      return [
        {
          row,
          unit,
          better,
          trireme: { target: 'trireme', values: trireme },
          peer: peer === undefined ? null : { target: peer[0], values: peer[1] },
          ratio:
            peer === undefined || spread(peer[1]).median === 0
              ? null
              : spread(trireme).median / spread(peer[1]).median,
          bar: judgeBar(definition, trireme, peer?.[1] ?? []),
        },
      ];
    });
  }
}

async function main(): Promise<number> {
  command.parse();
  const flags = command.opts<Flags>();
  const outputs = outputsOf(command);
  const baseline = outputs.baseline === undefined ? undefined : readReport(outputs.baseline, 'bench');
  const startedAt = new Date();
  const figures = new Figures(definitions);
  const absent = new Map<string, Set<string>>();
  const has = (peer: PeerName, leavesOut: string): boolean => {
    if (flags.peers && programs[peer].every((program) => findProgram(program) !== undefined)) return true;
    absent.set(peer, (absent.get(peer) ?? new Set()).add(leavesOut));
    return false;
  };
  const failed: BenchReport['verdicts'] = [];
  for (let run = 1; run <= flags.runs; run++) {
    for (const group of flags.rows) {
      process.stderr.write(`run ${run} of ${flags.runs}: ${group.name}\n`);
      try {
        await group.run({ ...flags, ...figures, has });
      } catch (error) {
        // The other rows are worth having; this one is said to have failed.
        const found = error instanceof Error ? error.message : String(error);
        process.stderr.write(`  ${group.name} failed: ${found}\n`);
        failed.push({ what: `run ${run}: ${group.name}`, ok: false, found });
      }
    }
  }
  const report = checkedReport<BenchReport>({
    schema: schemaVersion,
    kind: 'bench',
    ...aboutThis(['npm run bench:peers --', ...process.argv.slice(2)].join(' '), startedAt),
    runs: flags.runs,
    rows: figures.rows(),
    absent: [...absent].map(([peer, leavesOut]) => ({ peer, leavesOut: [...leavesOut].join(', ') })),
    verdicts: failed,
    ok: failed.length === 0,
  });
  process.stdout.write(`${markdown(report)}\n`);
  writeOutputs(outputs, report, baseline);
  return report.ok ? 0 : 1;
}

/** The table as it stands in docs/benchmarks.md. */
function markdown({ rows, absent }: BenchReport): string {
  const figure = (values: readonly number[]): string => {
    const { median, minimum, maximum } = spread(values);
    const text = (value: number): string =>
      value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
    return `${text(median)} (${text(minimum)}–${text(maximum)})`;
  };
  const lines = rows.map(({ row, unit, trireme, peer, ratio, bar }) =>
    [
      row,
      unit,
      figure(trireme.values),
      peer === null ? '–' : `${figure(peer.values)} ${peer.target}`,
      ratio === null ? '–' : `${ratio.toFixed(2)}×`,
      bar === null ? '–' : `${bar.text} ${bar.ok ? '✓' : '✗'}`,
    ].join(' | '),
  );
  return [
    '| work | unit | Trireme | peer | ratio | bar |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines.map((line) => `| ${line} |`),
    ...absent.map(({ peer, leavesOut }) => `\nabsent: ${peer}, so no comparison of ${leavesOut}`),
  ].join('\n');
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = reportError(error);
}
