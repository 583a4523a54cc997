import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ClusterState,
  isAlive,
  readState,
  resolveDataDir,
} from '../../../apps/cli/src/cluster/state.js';
import { UserError } from '../../../apps/cli/src/ui/errors.js';
import type { Target } from '../targets/target.js';
import { startTrireme } from '../targets/trireme.js';
import type { LoadArguments } from './arguments.js';

/** The control plane to load: the given server, the running cluster, or one that is started now and removed by `stop`. */
export async function openTarget(wanted: LoadArguments['target']): Promise<Target> {
  if ('server' in wanted) {
    return {
      name: wanted.server,
      servers: [wanted.server],
      tls: {
        ca: readPem('--ca', wanted.ca),
        cert: readPem('--cert', wanted.cert),
        key: readPem('--key', wanted.key),
      },
      pids: async () => [],
      stop: async () => {},
    };
  }
  // TRIREME_DATA_DIR names the cluster as it does for `trireme`.
  const state = readState(resolveDataDir(wanted.name, process.env['TRIREME_DATA_DIR']));
  if (state !== undefined && isAlive(state.supervisorPid)) return runningCluster(state);
  if (wanted.mayStart) {
    process.stderr.write('no cluster runs here: starting one for this load\n');
    return startTrireme({ nodes: 0 });
  }
  throw new UserError(
    state === undefined
      ? `there is no cluster "${wanted.name}" here`
      : `cluster "${wanted.name}" is not running`,
    `start it with \`trireme up --name ${wanted.name}\`, or leave --name out: the load then starts one of its own`,
  );
}

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
