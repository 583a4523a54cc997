import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../processes.js';
import type { Target } from './target.js';

const command = fileURLToPath(new URL('../../../../bin/trireme.mjs', import.meta.url));

export interface TriremeStatus {
  readonly leader?: string;
  readonly quorum: boolean;
  readonly members: readonly {
    readonly name: string;
    readonly apiServer: string;
    readonly pid?: number;
    readonly healthy: boolean;
  }[];
}

export interface TriremeTarget extends Target {
  readonly status: () => Promise<TriremeStatus>;
  readonly trireme: (...args: readonly string[]) => Promise<string>;
  /** URL of the balancer. */
  readonly balancer: string;
}

/** Starts a cluster of three masters in a temporary directory; `stop` removes it. */
export async function startTrireme(options: {
  readonly nodes: number;
  readonly masters?: number;
  /** More flags of `trireme up`. */
  readonly args?: readonly string[];
}): Promise<TriremeTarget> {
  const directory = mkdtempSync(join(tmpdir(), 'trireme-bench-'));
  const data = join(directory, 'data');
  const env = { TRIREME_HOME: join(directory, 'home'), TRIREME_NAME: 'bench', TRIREME_DATA_DIR: data };
  const trireme = async (...args: readonly string[]): Promise<string> =>
    runProgram(process.execPath, [command, ...args], env);
  const stop = async (): Promise<void> => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
    await trireme('down');
    rmSync(directory, { recursive: true, force: true });
  };
  // Whoever interrupts a long run finds nothing left behind.
  const interrupted = (): void => void stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    const size = ['--masters', String(options.masters ?? 3), '--nodes', String(options.nodes)];
    const kubeconfig = ['--kubeconfig', join(directory, 'kubeconfig')];
    await trireme('up', '--detach', '--port', '0', ...size, ...kubeconfig, ...(options.args ?? []));
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  // `status` exits 1 without a quorum, and still prints what it knows.
  const status = async (): Promise<TriremeStatus> =>
    JSON.parse(await trireme('status', '-o', 'json')) as TriremeStatus;
  const first = await status();
  const pem = (name: string): string => readFileSync(join(data, 'pki', name), 'utf8');
  const state = JSON.parse(readFileSync(join(data, 'cluster.json'), 'utf8')) as { port: number };
  return {
    name: 'trireme',
    servers: first.members.map((member) => member.apiServer),
    balancer: `https://127.0.0.1:${state.port}`,
    tls: { ca: pem('ca.crt'), cert: pem('admin.crt'), key: pem('admin.key') },
    pids: async () =>
      (await status()).members.flatMap((member) => (member.pid === undefined ? [] : [member.pid])),
    stop,
    status,
    trireme,
  };
}
