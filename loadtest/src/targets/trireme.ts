import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readState } from '../../../apps/cli/src/cluster/state.js';
import { clusterStatus, type ClusterStatus } from '../../../apps/cli/src/cluster/status.js';
import { runProgram } from '../processes.js';
import type { Tls } from '../http2/http2-client.js';
import type { Target } from './target.js';

const command = fileURLToPath(new URL('../../../../bin/trireme.mjs', import.meta.url));

export interface TriremeTarget extends Target {
  readonly status: () => Promise<ClusterStatus>;
  readonly trireme: (...args: readonly string[]) => Promise<string>;
  /** URL of the balancer. */
  readonly balancer: string;
  /** What clients of its etcd service use, where `--etcd-listen` is among its flags. */
  readonly etcdTls: () => Tls;
}

/** Starts a cluster of three masters in a temporary directory; `stop` removes it. */
export async function startTrireme(options: {
  readonly nodes: number;
  readonly masters?: number;
  /** More flags of `trireme up`. */
  readonly args?: readonly string[];
  /** False: whoever starts it ends it on Ctrl-C, too. */
  readonly handlesSignals?: boolean;
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
  if (options.handlesSignals !== false) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  }
  try {
    const size = ['--masters', String(options.masters ?? 3), '--nodes', String(options.nodes)];
    const kubeconfig = ['--kubeconfig', join(directory, 'kubeconfig')];
    await trireme('up', '--detach', '--port', '0', ...size, ...kubeconfig, ...(options.args ?? []));
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  // Without a process of its own: it is asked again and again while figures are measured.
  const status = async (): Promise<ClusterStatus> => {
    const state = readState(data);
    if (state === undefined) throw new Error(`there is no cluster in ${data}`);
    return clusterStatus(state);
  };
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
    etcdTls: () => ({
      ca: pem('etcd-ca.crt'),
      cert: pem('etcd-client.crt'),
      key: pem('etcd-client.key'),
    }),
    status,
    trireme,
  };
}
