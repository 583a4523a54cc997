/**
 * `npm run torture`: three real masters, killed, paused, cut off, and their disks, links, logs and clocks ill-treated, round
 * after round, under clients of the etcd service and of the Kubernetes API. Everything that the clients saw is judged.
 * Exits 1 when a promise was broken, and then keeps logs and data; docs/torture.md says how to read it.
 *
 *     npm run torture -- --rounds 50 --faults kill-leader,full-disk --seed 7 --json torture.json
 */
import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { findCapabilities } from './torture/capabilities.js';
import { KubernetesConnection } from './torture/clients/kubernetes-connection.js';
import { TortureCluster } from './torture/cluster/cluster.js';
import type { Fault } from './torture/faults/fault.js';
import { faults } from './torture/faults/index.js';
import { Random } from './torture/random.js';
import { render } from './torture/report.js';
import { torture } from './torture/run.js';

interface Flags {
  readonly rounds: number;
  readonly faults?: readonly Fault[];
  readonly seed: number;
  readonly json?: string;
  readonly loopback: boolean;
  readonly staleReads: boolean;
}

function whole(minimum: number, maximum: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= minimum && number <= maximum) return number;
    throw new InvalidArgumentError(`a whole number from ${minimum} to ${maximum} is wanted.`);
  };
}

function parseFaults(value: string): readonly Fault[] {
  return value.split(',').map((name) => {
    const fault = faults.find((each) => each.name === name);
    if (fault !== undefined) return fault;
    throw new InvalidArgumentError(
      `there is no "${name}"; there are: ${faults.map((f) => f.name).join(', ')}.`,
    );
  });
}

const flags = new Command('torture')
  .description('ill-treat three real masters round after round and judge all that their clients see')
  .addOption(
    new Option('--rounds <n>', 'faults to inject, about 6 s each').default(50).argParser(whole(1, 5_000)),
  )
  .addOption(new Option('--faults <a,b>', 'only these').argParser(parseFaults))
  .addOption(
    new Option('--seed <n>', 'choices of an earlier run')
      .default(Date.now() % 1_000_000, 'of the time')
      .argParser(whole(0, 2 ** 32 - 1)),
  )
  .addOption(new Option('--json <file>', 'the report for programs'))
  .option('--loopback', 'no namespaces and no file systems of their own, even where root might', false)
  .option('--stale-reads', 'a check of the check: read without a quorum, which must be found', false)
  .addHelpText('after', `\nfaults:\n${faults.map((f) => `  ${f.name.padEnd(22)} ${f.does}`).join('\n')}`)
  .parse()
  .opts<Flags>();

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!interrupted.signal.aborted) say('ending; once more is not needed');
    interrupted.abort();
  });
}
process.exitCode = await run();

async function run(): Promise<number> {
  const capabilities = await findCapabilities({ loopback: flags.loopback });
  const possible = (flags.faults ?? faults).filter((fault) =>
    fault.needs.every((need) => capabilities.has.has(need)),
  );
  for (const text of capabilities.missing) say(`left out: ${text}`);
  if (possible.length === 0) {
    say('none of these faults is possible on this machine');
    return 2;
  }
  say(`seed ${flags.seed}; ${flags.rounds} rounds of ${possible.length} faults`);
  const cluster = await TortureCluster.start(3, capabilities, interrupted.signal);
  let keep = true;
  try {
    const [first] = cluster.masters;
    const admin = new KubernetesConnection(first!.apiServer, cluster.tls);
    await admin.createNamespace().finally(() => admin.close());
    const report = await torture({
      cluster,
      capabilities,
      faults: possible,
      rounds: flags.rounds,
      random: new Random(flags.seed),
      seed: flags.seed,
      staleReads: flags.staleReads,
      signal: interrupted.signal,
      say,
    });
    process.stdout.write(render(report, faults));
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, undefined, 1)}\n`);
    keep = report.violations.length > 0;
    if (keep) say(`logs and data are kept in ${cluster.directory}`);
    if (interrupted.signal.aborted) return 130;
    return keep ? 1 : 0;
  } finally {
    await cluster.stop(keep && !interrupted.signal.aborted);
  }
}
