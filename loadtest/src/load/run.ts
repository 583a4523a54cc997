import { performance } from 'node:perf_hooks';
import { LeaderWatch } from '../measures/leader-watch.js';
import type { Target } from '../targets/target.js';
import { aboutThis } from '../report/about.js';
import { readReport, type LoadReport, type Mark } from '../report/schema.js';
import { writeOutputs } from '../report/write.js';
import type { LoadArguments } from './arguments.js';
import { runAutocannon } from './generators.js';
import { requireK6, runK6 } from './k6.js';
import { LiveLine } from './live.js';
import type { LoadPlan } from './plan.js';
import { withNamespace } from './prepare.js';
import { type EngineReport, Recorder } from './recorder.js';
import { formatReport, makeReport } from './report.js';
import { scenarios } from './scenarios/index.js';
import { openTarget } from './target.js';

/** Code of a shell for what Ctrl-C ended. */
const interruptedCode = 130;
/** Between two looks at who leads: seldom enough to be no load of its own. */
const leaderLookMs = 250;

/**
 * `trireme load`: puts one scenario on a cluster, shows it as it goes, prints and writes the report. Returns the exit
 * code: 1 when a threshold is not met, 130 after Ctrl-C, which removes what the load had made.
 */
export async function runLoad(wanted: LoadArguments): Promise<number> {
  // Asked before a cluster is started in vain.
  const k6 = wanted.engine === 'k6' ? requireK6() : undefined;
  const baseline =
    wanted.outputs.baseline === undefined ? undefined : readReport(wanted.outputs.baseline, 'load');
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  try {
    const scenario = scenarios[wanted.scenario];
    const target = await openTarget(wanted.target, scenario.nodes);
    try {
      const report = await withNamespace(target, scenario, wanted, async (namespace) =>
        measure(wanted, target, namespace, k6, interrupt.signal),
      );
      process.stdout.write(formatReport(report));
      writeOutputs(wanted.outputs, report, baseline);
      return report.ok ? 0 : 1;
    } finally {
      await target.stop();
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write('interrupted: what the load had made is removed\n');
    return interruptedCode;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}

async function measure(
  wanted: LoadArguments,
  target: Target,
  namespace: string,
  k6: string | undefined,
  signal: AbortSignal,
): Promise<LoadReport> {
  signal.throwIfAborted();
  const plan: LoadPlan = {
    scenario: wanted.scenario,
    groups: scenarios[wanted.scenario].groups({ ...wanted, namespace }),
    servers: target.servers,
    tls: target.tls,
    seconds: wanted.seconds,
  };
  const live = new LiveLine(wanted.seconds, wanted.quiet);
  const recorder = new Recorder(wanted.seconds, (point) => live.show(point));
  const startedAt = new Date();
  const marks: Mark[] = [];
  const leaders = new LeaderWatch(target, performance.now(), leaderLookMs, (mark) => marks.push(mark));
  let measured: EngineReport;
  try {
    measured =
      k6 === undefined
        ? await runAutocannon(plan, { processes: wanted.processes, recorder, signal })
        : await runK6(plan, { k6, recorder, signal });
  } finally {
    leaders.stop();
    live.end();
  }
  signal.throwIfAborted();
  return makeReport(plan, measured, {
    about: aboutThis(['trireme', ...process.argv.slice(2)].join(' '), startedAt),
    target: target.name,
    processes: wanted.processes,
    thresholds: wanted.thresholds,
    marks,
  });
}
