/**
 * trireme as a library: a cluster for the tests of a Node project.
 *
 *     import { startCluster } from 'trireme';
 *
 *     const cluster = await startCluster({ masters: 3, nodes: 1 });
 *     // any Kubernetes client, with cluster.kubeconfig
 *     await cluster.stop();
 *
 * A cluster runs in processes of its own, which are what `trireme up` starts: the caller may block its event loop. It
 * ends with `stop()` or with the process that started it, however that ends, and then nothing is left of it.
 *
 * What is exported here is all that a project may rely on; its types are built from this file alone.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { lastLines } from '../cluster/log-tail.js';
import { spawnSupervisor, type SupervisorProcess, supervisorReady } from '../cluster/spawn-supervisor.js';
import { readState } from '../cluster/state.js';

/** As the flags of `trireme up`, which also check them. What is left out is as `TRIREME_*` says, or as the flags' default. */
export interface StartClusterOptions {
  /** Of the cluster and of its kubeconfig's context; default `test-` and six random characters. */
  readonly name?: string;
  /** 1, 3, 5 or 7; default 3. One starts fastest, three survive the death of one. */
  readonly masters?: number;
  /** Members without a vote; default 0. */
  readonly observers?: number;
  /** Simulated nodes; default 3. */
  readonly nodes?: number;
  /** Of the balancer, the masters' stand behind it; default 0: free ones, different for each cluster. */
  readonly port?: number;
  /** Keeps its data there: the next start goes on with them. Default: a temporary directory, removed at the end. */
  readonly dataDir?: string;
  /** How long the start may take; default 60,000. */
  readonly waitMs?: number;
  /** Time that a simulated pod takes to run; default 50. */
  readonly podStartDelayMs?: number;
  /** Time that a simulated pod runs which is meant to end; default 1,000. */
  readonly jobDurationMs?: number;
}

/** A cluster whose masters are all ready. Its nodes may still be registering. */
export interface RunningCluster {
  readonly name: string;
  /** Path of a kubeconfig of its own (0600) whose current context is this cluster's administrator. */
  readonly kubeconfig: string;
  /** URL of the health-checked balancer before the masters. */
  readonly server: string;
  /** Certificates, logs and `cluster.json`; `trireme status --data-dir` and the other commands take it. */
  readonly dataDir: string;
  /** Ends the cluster in an orderly way; resolves when its processes are gone, and its data where they were temporary. */
  stop(): Promise<void>;
  /** `await using cluster = await startCluster()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The cluster did not start; nothing of it runs any more. The message ends in the last lines of the logs. */
export class ClusterStartError extends Error {
  override readonly name = 'ClusterStartError';
  /** What to do about it. */
  readonly hint: string | undefined;
  /** The last lines that each process has logged, by its name. */
  readonly logs: Readonly<Record<string, string>>;

  constructor(message: string, hint: string | undefined, logs: Readonly<Record<string, string>>) {
    const tails = Object.entries(logs).map(([name, lines]) => `--- ${name}\n${lines}`);
    super([message, ...(hint === undefined ? [] : [hint]), ...tails].join('\n'));
    this.hint = hint;
    this.logs = logs;
  }
}

/** How long an orderly end may take before the supervisor, and with it everything, is killed. */
const stopMs = 30_000;

/**
 * Starts a cluster on this machine and resolves once all masters are ready. Any number may run at once. The process
 * that calls can end without `stop()`: its clusters do not keep it alive. Throws ClusterStartError.
 */
export async function startCluster(options: StartClusterOptions = {}): Promise<RunningCluster> {
  const name = options.name ?? `test-${randomBytes(3).toString('hex')}`;
  const ephemeral = options.dataDir === undefined;
  const dataDir = directory(options.dataDir);
  const kubeconfig = join(dataDir, 'kubeconfig');
  const supervisor: SupervisorProcess = {
    mode: ephemeral ? 'ephemeral' : 'owned',
    args: ['up', '--name', name, '--data-dir', dataDir, '--kubeconfig', kubeconfig, ...flags(options)],
    dataDir,
    // The user's own list of clusters does not learn of it: the data directory is how it is found.
    env: { ...process.env, TRIREME_HOME: dataDir },
  };
  const child = spawnSupervisor(supervisor);
  const gone = new Promise<void>((ended) => child.once('exit', () => ended()));
  const remove = (): void => {
    if (ephemeral) rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await supervisorReady(child, supervisor);
  } catch (error) {
    const { message, hint } = error as Error & { readonly hint?: string };
    const logs = lastLines(dataDir);
    remove();
    // Where the logs were is no help once they are removed.
    const useful = ephemeral && hint?.includes(dataDir) === true ? undefined : hint;
    throw new ClusterStartError(message, useful, logs);
  }
  keepAlive(child, false);
  const server = `https://127.0.0.1:${readState(dataDir)?.port}`;
  const stop = async (): Promise<void> => {
    await end(child, gone);
    remove();
  };
  return { name, kubeconfig, server, dataDir, stop, [Symbol.asyncDispose]: stop };
}

function directory(given: string | undefined): string {
  if (given === undefined) return mkdtempSync(join(tmpdir(), 'trireme-'));
  const path = resolve(given);
  try {
    mkdirSync(join(path, 'logs'), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ClusterStartError(
      `cannot write to the data directory ${path}: ${(error as Error).message}`,
      undefined,
      {},
    );
  }
  return path;
}

function flags({
  masters,
  observers,
  nodes,
  port,
  waitMs,
  podStartDelayMs,
  jobDurationMs,
}: StartClusterOptions): string[] {
  const given: Readonly<Record<string, number | string | undefined>> = {
    masters,
    observers,
    nodes,
    port: port ?? 0,
    wait: milliseconds(waitMs),
    'pod-start-delay': milliseconds(podStartDelayMs),
    'job-duration': milliseconds(jobDurationMs),
  };
  return Object.entries(given).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}`, String(value)],
  );
}

function milliseconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value}ms`;
}

/** Whether the running cluster is a reason for this process to go on. */
function keepAlive(child: ChildProcess, wanted: boolean): void {
  for (const handle of [child, child.channel]) {
    if (wanted) handle?.ref();
    else handle?.unref();
  }
}

async function end(child: ChildProcess, gone: Promise<void>): Promise<void> {
  keepAlive(child, true);
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await gone;
  clearTimeout(timer);
}
