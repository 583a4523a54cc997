/**
 * `npm run failover`: kills the leader (kill -9) again and again under a sequence-numbered write load, and prints how
 * long writes were unavailable and what was lost. Exits 1 when an acknowledged write was lost or doubled.
 *
 *     npm run failover -- --rounds 20 --writers 8
 */
import { Command } from 'commander';
import { runFailover } from './measures/failover.js';
import { spread } from './stats.js';
import { startTrireme } from './targets/trireme.js';

const flags = new Command('failover')
  .option('--rounds <n>', 'leaders to kill', '20')
  .option('--writers <n>', 'clients that write without pause', '8')
  .parse()
  .opts<{ readonly rounds: string; readonly writers: string }>();

const target = await startTrireme({ nodes: 3 });
try {
  const report = await runFailover(target, {
    rounds: Number(flags.rounds),
    writers: Number(flags.writers),
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
