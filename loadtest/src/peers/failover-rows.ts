import { EtcdLab } from '../failover/peer-targets.js';
import { type LabResult, runLab } from '../failover/lab.js';
import type { FaultName, LabTarget } from '../failover/lab-target.js';
import { TriremeLab } from '../failover/trireme-target.js';
import { startEtcd } from '../targets/etcd.js';
import { startTrireme } from '../targets/trireme.js';
import type { BenchContext, RowGroup } from './context.js';

const writers = 4;

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * q) - 1)] ?? 0;
}

async function rounds(lab: LabTarget, faults: readonly FaultName[], count: number): Promise<LabResult> {
  try {
    const result = await runLab(lab, {
      faults,
      rounds: count,
      writers,
      signal: new AbortController().signal,
      onRound: ({ fault, gapsMs }) =>
        process.stderr.write(
          `  ${lab.name}: ${fault}: writers without success ${gapsMs['writers']?.toFixed(0)} ms\n`,
        ),
    });
    const { lost, doubled, linearizable } = result.judgement;
    if (lost > 0 || doubled > 0 || linearizable === 'no') {
      throw new Error(`${lab.name}: ${lost} writes lost, ${doubled} doubled, linearizable: ${linearizable}`);
    }
    return result;
  } finally {
    await lab.stop();
  }
}

function gaps({ rounds: all }: LabResult, fault: FaultName, observer: string): number[] {
  return all.filter((round) => round.fault === fault).map(({ gapsMs }) => gapsMs[observer] ?? 0);
}

export const failoverRows: RowGroup = {
  name: 'failover',
  summary: 'leader killed, paused, cut off, stopped in order: next write, next bind',
  run: async ({ rounds: count, record, has }: BenchContext) => {
    const target = await startTrireme({ nodes: 3 });
    const own: readonly FaultName[] = ['kill', 'pause', 'partition', 'stop'];
    const trireme = await rounds(await TriremeLab.open(target, undefined), own, count);
    note('trireme', trireme, record);
    record(
      'trireme',
      'leader cut off: next acknowledged write, p99',
      quantile(gaps(trireme, 'partition', 'writers'), 0.99),
    );
    record('trireme', 'leader killed: next bind, p50', quantile(gaps(trireme, 'kill', 'controllers'), 0.5));
    if (!has('etcd', 'failover')) return;
    note('etcd', await rounds(new EtcdLab(await startEtcd()), ['kill', 'pause', 'stop'], count), record);
  },
};

function note(name: string, result: LabResult, record: BenchContext['record']): void {
  const killed = gaps(result, 'kill', 'writers');
  record(name, 'leader killed: next acknowledged write, p50', quantile(killed, 0.5));
  record(name, 'leader killed: next acknowledged write, p99', quantile(killed, 0.99));
  record(
    name,
    'leader paused: next acknowledged write, p99',
    quantile(gaps(result, 'pause', 'writers'), 0.99),
  );
  record(
    name,
    'leader stopped in order: next acknowledged write, p99',
    quantile(gaps(result, 'stop', 'writers'), 0.99),
  );
}
