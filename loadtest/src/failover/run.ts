import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../../../apps/cli/src/ui/errors.js';
import { runAutocannon } from '../load/generators.js';
import type { LoadPlan } from '../load/plan.js';
import { withNamespace } from '../load/prepare.js';
import { Recorder } from '../load/recorder.js';
import { scenarios } from '../load/scenarios/index.js';
import { findProgram } from '../processes.js';
import { aboutThis } from '../report/about.js';
import { readReport } from '../report/schema.js';
import { writeOutputs } from '../report/write.js';
import { startEtcd } from '../targets/etcd.js';
import { missingForKubeApiserver, startKubeApiserver } from '../targets/kube-apiserver.js';
import type { Target } from '../targets/target.js';
import { startTrireme } from '../targets/trireme.js';
import type { FailoverArguments } from './arguments.js';
import { type LabResult, runLab } from './lab.js';
import type { LabTarget } from './lab-target.js';
import { EtcdLab, KubeApiserverLab } from './peer-targets.js';
import { formatReport, makeReport } from './report.js';
import { TriremeLab } from './trireme-target.js';

const interruptedCode = 130;
/** A load beside the rounds is begun anew after this long: generators run for a bounded time. */
const loadSeconds = 600;

/**
 * `trireme failover`: rounds of faults on a cluster of its own, and on the peers where they are asked for. Returns the
 * exit code: 1 when anything was lost, doubled or out of order, 130 after Ctrl-C, which still judges and reports what was run.
 */
export async function runFailover(wanted: FailoverArguments): Promise<number> {
  const { baseline: path } = wanted.outputs;
  const baseline = path === undefined ? undefined : readReport(path, 'failover');
  const upgradeFrom = installation(wanted.upgradeFrom);
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (!interrupt.signal.aborted) process.stderr.write('\nending: what was run is checked and reported\n');
    interrupt.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  const startedAt = new Date();
  const results: LabResult[] = [];
  const absent: { target: string; why: string }[] = [];
  try {
    for (const [i, start] of targetsOf(wanted, upgradeFrom, absent).entries()) {
      if (interrupt.signal.aborted) break;
      try {
        results.push(await rounds(wanted, await start(), interrupt.signal));
      } catch (error) {
        // Without Trireme's own rounds there is nothing to report; a peer that fails takes nothing from them.
        if (i === 0) throw error;
        absent.push({ target: `peer ${i}`, why: error instanceof Error ? error.message : String(error) });
      }
    }
    const report = makeReport(results, {
      about: aboutThis(['trireme', ...process.argv.slice(2)].join(' '), startedAt),
      load: `${wanted.writers} writers without pause${wanted.load === undefined ? '' : `, and the load ${wanted.load} by ${wanted.clients} clients`}`,
      absent,
    });
    process.stdout.write(formatReport(report));
    writeOutputs(wanted.outputs, report, baseline);
    return interrupt.signal.aborted ? interruptedCode : report.ok ? 0 : 1;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}

/** The folder of another installation, demanded to be a built one; undefined when none is given. */
function installation(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  const path = resolve(folder);
  if (existsSync(join(path, 'dist', 'bundle', 'master.js'))) return path;
  throw new UserError(
    `--upgrade-from ${folder} is no built installation: it has no dist/bundle/master.js`,
    'give the folder of a clone in which `npm ci && npm run build` was run',
  );
}

interface Started {
  readonly lab: LabTarget;
  /** Where a load beside the rounds goes; undefined: this target takes none. */
  readonly target: Target | undefined;
}

function targetsOf(
  wanted: FailoverArguments,
  upgradeFrom: string | undefined,
  absent: { target: string; why: string }[],
): (() => Promise<Started>)[] {
  const trireme = async (): Promise<Started> => {
    process.stderr.write('starting a cluster of three masters\n');
    const nodes = wanted.load === undefined ? 3 : Math.max(3, scenarios[wanted.load].nodes);
    const target = await startTrireme({ nodes, handlesSignals: false });
    return { lab: await opened(target, async () => TriremeLab.open(target, upgradeFrom)), target };
  };
  const starts = [trireme];
  if (!wanted.peers) return starts;
  if (findProgram('etcd') === undefined) absent.push({ target: 'etcd', why: 'etcd is not on the PATH' });
  else {
    starts.push(async () => {
      process.stderr.write('starting etcd, three members\n');
      return { lab: new EtcdLab(await startEtcd()), target: undefined };
    });
  }
  const missing = missingForKubeApiserver();
  if (missing.length > 0) {
    absent.push({ target: 'kube-apiserver + etcd', why: `${missing.join(', ')} not on the PATH` });
  } else {
    starts.push(async () => {
      process.stderr.write('starting three kube-apiservers on three etcd\n');
      const target = await startKubeApiserver();
      return { lab: await opened(target, async () => KubeApiserverLab.open(target)), target };
    });
  }
  return starts;
}

/** What was started is stopped again when it cannot be used. */
async function opened<T>(target: Target, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await target.stop();
    throw error;
  }
}

async function rounds(wanted: FailoverArguments, started: Started, signal: AbortSignal): Promise<LabResult> {
  const { lab, target } = started;
  const run = async (): Promise<LabResult> =>
    runLab(lab, {
      ...wanted,
      signal,
      onRound: ({ fault, gapsMs }, n, total) => {
        if (wanted.quiet) return;
        const gaps = Object.entries(gapsMs).map(([who, gap]) => `${who} ${gap.toFixed(0)} ms`);
        process.stderr.write(`${n}/${total} ${fault}, ${lab.name}: without success ${gaps.join(', ')}\n`);
      },
    });
  try {
    if (wanted.load === undefined || target === undefined) return await run();
    return await withLoad(wanted, target, run);
  } finally {
    await lab.stop();
  }
}

/** Runs the rounds under a scenario of `load`, over and over until they are done; its errors are part of the game. */
async function withLoad<T>(wanted: FailoverArguments, target: Target, run: () => Promise<T>): Promise<T> {
  const name = wanted.load ?? 'mixed';
  const scenario = scenarios[name];
  const items = scenario.items?.default ?? 0;
  const shape = { clients: wanted.clients, rate: null, items };
  return withNamespace(target, scenario, shape, async (namespace) => {
    const plan: LoadPlan = {
      scenario: name,
      groups: scenario.groups({ ...shape, namespace }),
      servers: target.servers,
      tls: target.tls,
      seconds: loadSeconds,
    };
    const stop = new AbortController();
    const loading = (async () => {
      while (!stop.signal.aborted) {
        await runAutocannon(plan, {
          processes: 1,
          recorder: new Recorder(loadSeconds),
          signal: stop.signal,
        }).catch((error: unknown) => {
          if (!stop.signal.aborted) process.stderr.write(`the load begins anew: ${String(error)}\n`);
        });
      }
    })();
    try {
      return await run();
    } finally {
      stop.abort();
      await loading;
    }
  });
}
