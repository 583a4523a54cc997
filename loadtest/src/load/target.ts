import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ClusterState,
  isAlive,
  readState,
  resolveDataDir,
} from '../../../apps/cli/src/cluster/state.js';
import { UserError } from '../../../apps/cli/src/ui/errors.js';
import { Http2Client } from '../http2/http2-client.js';
import type { Target } from '../targets/target.js';
import { startTrireme } from '../targets/trireme.js';
import type { TargetArguments } from './arguments.js';

/**
 * The control plane to load: the given server, the running cluster, or one that is started now, with as many simulated
 * nodes, and removed by `stop`.
 */
export async function openTarget(wanted: TargetArguments, nodes: number): Promise<Target> {
  if ('server' in wanted) return givenServer(wanted);
  // TRIREME_DATA_DIR names the cluster as it does for `trireme`.
  const state = readState(resolveDataDir(wanted.name, process.env['TRIREME_DATA_DIR']));
  if (state !== undefined && isAlive(state.supervisorPid)) return runningCluster(state);
  if (wanted.mayStart) {
    process.stderr.write('no cluster runs here: starting one for this load\n');
    return startTrireme({ nodes });
  }
  throw new UserError(
    state === undefined
      ? `there is no cluster "${wanted.name}" here`
      : `cluster "${wanted.name}" is not running`,
    `start it with \`trireme up --name ${wanted.name}\`, or leave --name out: the load then starts one of its own`,
  );
}

async function givenServer(wanted: Extract<TargetArguments, { server: string }>): Promise<Target> {
  const { server } = wanted;
  const tls = {
    ca: readPem('--ca', wanted.ca),
    cert: readPem('--cert', wanted.cert),
    key: readPem('--key', wanted.key),
  };
  await demandAnswer(server, tls);
  return { name: server, servers: [server], tls, pids: async () => [], stop: async () => {} };
}

/** One request before anything is made there: what is wrong with the server or the certificates is said once. */
async function demandAnswer(server: string, tls: Target['tls']): Promise<void> {
  const client = new Http2Client(server, tls);
  try {
    const { status } = await client.request('GET', '/version', undefined, { timeoutMs: 10_000 });
    if (status !== 200)
      throw new UserError(`${server} answers GET /version with ${status}`, checkCertificates);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { cause, message } = error as Error;
    throw new UserError(
      `${server} cannot be loaded: ${cause instanceof Error ? cause.message : message}`,
      checkCertificates,
    );
  } finally {
    client.close();
  }
}

const checkCertificates = 'check the address, that --ca signed its certificate, and that it knows --cert';

function runningCluster(state: ClusterState): Target {
  const up = state.masters.filter(({ pid }) => isAlive(pid));
  if (up.length === 0) {
    throw new UserError(
      `no master of cluster "${state.name}" runs`,
      `see \`trireme status --name ${state.name}\``,
    );
  }
  const pem = (name: string): string => readFileSync(join(state.dataDir, 'pki', name), 'utf8');
  return {
    name: state.name,
    servers: up.map(({ apiPort }) => `https://127.0.0.1:${apiPort}`),
    tls: { ca: pem('ca.crt'), cert: pem('admin.crt'), key: pem('admin.key') },
    pids: async () => up.flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    stop: async () => {},
  };
}

function readPem(flag: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`${flag} ${path} cannot be read: ${(error as Error).message}`);
  }
  if (!text.includes('-----BEGIN ')) throw new UserError(`${flag} ${path} holds no PEM`);
  return text;
}
