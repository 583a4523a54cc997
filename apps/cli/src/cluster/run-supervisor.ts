import { rmSync } from 'node:fs';
import { UserError } from '../ui/errors.js';
import { launch, type StepReporter, type UpOptions } from './launch.js';
import { modeVariable, type SupervisorMode, type SupervisorReport } from './spawn-supervisor.js';

/** What this process was started as by `spawnSupervisor`; undefined where a person did. */
export function ownMode(): SupervisorMode | undefined {
  return process.send === undefined ? undefined : (process.env[modeVariable] as SupervisorMode | undefined);
}

/** The other side of `spawnSupervisor`: starts the cluster, tells how that goes, and runs it until it is to end. */
export async function runSupervisor(options: UpOptions, mode: SupervisorMode): Promise<void> {
  const report = (message: SupervisorReport): void => {
    if (process.connected) process.send?.(message);
  };
  const ownerGone = new Promise<void>((gone) => {
    process.once('disconnect', () => gone());
    if (!process.connected) gone();
  });
  // To listen is no reason to live on when a start has failed.
  process.channel?.unref();
  try {
    const supervisor = await launch(options, reporting(report));
    await new Promise<void>((done) => {
      supervisor.onStopRequested = done;
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
      if (mode !== 'detached') void ownerGone.then(done);
      report({ type: 'ready', warnings: supervisor.warnings });
    });
    await supervisor.stop();
  } catch (error) {
    report({
      type: 'failed',
      message: (error as Error).message,
      hint: error instanceof UserError ? error.hint : undefined,
    });
    process.exitCode = 1;
  } finally {
    // An owner that lives removes them itself, once it has read the logs.
    if (mode === 'ephemeral' && !process.connected) {
      rmSync(options.dataDir, { recursive: true, force: true });
    }
  }
}

function reporting(report: (message: SupervisorReport) => void): StepReporter {
  return async (title, work) => {
    report({ type: 'begin', title });
    try {
      const result = await work();
      report({ type: 'end', ok: true });
      return result;
    } catch (error) {
      report({ type: 'end', ok: false });
      throw error;
    }
  };
}
