/**
 * `npm run failover`: kills the leader (kill -9) again and again under a sequence-numbered write load, and prints how
 * long writes were unavailable and what was lost. Exits 1 when an acknowledged write was lost or doubled.
 *
 *     npm run failover -- --rounds 20 --writers 8
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { runFailover } from './measures/failover.js';
import { spread } from './stats.js';
import { startTrireme } from './targets/trireme.js';

function count(minimum: number, maximum: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < minimum || number > maximum) {
      throw new InvalidArgumentError(`a whole number from ${minimum} to ${maximum} is wanted.`);
    }
    return number;
  };
}

const flags = new Command('failover')
  .description(
    'start a cluster of its own and kill its leader again and again under load; a round takes about 8 s',
  )
  .addOption(new Option('--rounds <n>', 'leaders to kill').default(20).argParser(count(1, 1_000)))
  .addOption(
    new Option('--writers <n>', 'clients that write without pause').default(8).argParser(count(1, 200)),
  )
  .parse()
  .opts<{ readonly rounds: number; readonly writers: number }>();

process.stderr.write(`starting a cluster; ${flags.rounds} rounds of about 8 s\n`);
const target = await startTrireme({ nodes: 3 });
try {
  const report = await runFailover(target, {
    rounds: flags.rounds,
    writers: flags.writers,
    onRound: (n, gapMs) =>
      process.stderr.write(`round ${n}: writes unavailable for ${gapMs.toFixed(0)} ms\n`),
  });
  const gaps = spread(report.gapsMs);
  const actions = spread(report.controllerGapsMs);
  process.stdout.write(
    [
      `rounds                            ${report.gapsMs.length}`,
      `next acknowledged write           p50 ${gaps.median.toFixed(0)} ms, min ${gaps.minimum.toFixed(0)}, max ${gaps.maximum.toFixed(0)}`,
      `next bound pod of a Deployment    p50 ${actions.median.toFixed(0)} ms, min ${actions.minimum.toFixed(0)}, max ${actions.maximum.toFixed(0)}`,
      `acknowledged writes               ${report.acknowledged}`,
      `lost                              ${report.lost}`,
      `doubled                           ${report.doubled}`,
      '',
    ].join('\n'),
  );
  process.exitCode = report.lost === 0 && report.doubled === 0 ? 0 : 1;
} finally {
  await target.stop();
}
