import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { figure, type Finding, judged, ok, warning } from './finding.js';

/** The floor of the package, and the release line that it is fastest on. */
const nodeFloor = [20, 19] as const;
const nodeAdvised = 24;

export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const advice = `install Node ${nodeAdvised}`;
  if (major < nodeFloor[0] || (major === nodeFloor[0] && minor < nodeFloor[1])) {
    return figure('node', `v${version} is older than ${nodeFloor.join('.')}`, 'failure', advice);
  }
  if (major >= 22) return ok('node', `v${version}`);
  return warning('node', `v${version} works, is past its end of life, and is slower than newer ones`, advice);
}

/** Every connection and every file of the log takes one. */
const descriptors = { warnAt: 4_095, failAt: 255 } as const;

export async function checkDescriptors(): Promise<Finding> {
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n']);
  const text = stdout.trim();
  const limit = text === 'unlimited' ? Infinity : Number(text);
  return figure(
    'file descriptors',
    `${text} a process`,
    judged(limit, descriptors),
    'raise the limit: `ulimit -n 65536`, LimitNOFILE= of a systemd unit',
  );
}

/** Clients and tools that commands and docs speak of; `find` resolves to where one is. */
export async function checkTools(find: (tool: string) => Promise<string | undefined>): Promise<Finding[]> {
  const tools = {
    kubectl: 'the client of Kubernetes: https://kubernetes.io/docs/tasks/tools/',
    helm: 'for charts: https://helm.sh/docs/intro/install/',
    k6: 'for `trireme load --engine k6`; with Go: `go install go.k6.io/k6@v1.8.1`. autocannon runs the same without it',
    'redis-server': "where Events are to leave the log for Redis; Debian's package redis-server",
  } as const;
  return Promise.all(
    Object.entries(tools).map(async ([tool, why]) => {
      const path = await find(tool);
      return path === undefined ? warning(tool, 'is not on the PATH', `needed only ${why}`) : ok(tool, path);
    }),
  );
}
