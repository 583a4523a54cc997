import { join } from 'node:path';
import { readKubeconfig } from '../../../node/src/kubeconfig.js';
import { AdminClient } from '../cluster/admin-client.js';
import { allocatePorts, portsOf, requireFree } from '../cluster/ports.js';
import { type ClusterState, isAlive } from '../cluster/state.js';
import { type ClusterStatus, clusterStatus } from '../cluster/status.js';
import { UserError } from '../ui/errors.js';
import { checkCertificates } from './certificates.js';
import { failure, type Finding, ok, warning } from './finding.js';

/** What `up` takes when nothing is said. */
const defaults = { port: 6_443, masters: 3 } as const;

/** The ports that the next start would take. */
export async function checkPorts(state: ClusterState | undefined): Promise<Finding> {
  if (state !== undefined && isAlive(state.supervisorPid)) {
    return ok('ports', `the cluster has those that it wants, from ${state.port} on`);
  }
  try {
    const ports = state ?? (await allocatePorts(defaults.port, defaults.masters));
    if (state !== undefined) await requireFree(portsOf(state), state.port);
    return ok('ports', `${portsOf(ports).length} are free, from ${ports.port} on`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return failure('ports', error.message, error.hint ?? 'choose others with --port');
  }
}

/** A cluster of this machine that was started once. */
export async function checkLocalCluster(state: ClusterState): Promise<Finding[]> {
  const files = [checkCertificates(join(state.dataDir, 'pki')), checkContext(state)];
  if (isAlive(state.supervisorPid)) return [...files, ...(await checkMasters(state))];
  return [...files, warning('cluster', `"${state.name}" is not running`, `trireme up --name ${state.name}`)];
}

/** What its masters say, wherever they are. */
export async function checkMasters(state: ClusterState): Promise<Finding[]> {
  const status = await clusterStatus(state);
  return [
    checkQuorum(status),
    checkVersions(status),
    checkLag(status),
    ...checkAlarms(status),
    await checkClocks(state),
  ];
}

function checkContext({ kubeconfig, name, port }: ClusterState): Finding {
  const advice = `trireme kubeconfig --name ${name}`;
  try {
    const { server } = readKubeconfig(kubeconfig, name);
    if (new URL(server).port === String(port))
      return ok('kubeconfig', `${kubeconfig} has the context ${name}`);
    return warning('kubeconfig', `the context ${name} of ${kubeconfig} leads to ${server}`, advice);
  } catch (error) {
    return warning('kubeconfig', (error as Error).message, advice);
  }
}

function checkQuorum({ quorum, leader, term, members }: ClusterStatus): Finding {
  const away = members.filter(({ healthy }) => !healthy).map(({ name }) => name);
  const advice = 'see `trireme status` and `trireme logs`; docs/runbooks has what to do for each alert';
  if (!quorum) return failure('quorum', `none: not ready are ${away.join(', ')}`, advice);
  const text = `${leader} leads in term ${term}`;
  if (away.length === 0) return ok('quorum', `${text}, all ${members.length} members are ready`);
  return warning('quorum', `${text}, not ready: ${away.join(', ')}`, advice);
}

function checkVersions({ members }: ClusterStatus): Finding {
  const versions = new Map<string, string[]>();
  for (const { name, version = 'unknown', term } of members) {
    if (term > 0) versions.set(version, [...(versions.get(version) ?? []), name]);
  }
  if (versions.size <= 1) return ok('versions', [...versions.keys()].join() || 'no master tells its own');
  const text = [...versions].map(([version, names]) => `${version} on ${names.join(', ')}`).join('; ');
  return warning('versions', text, 'finish the upgrade: one master after the other, the leader last');
}

/** Log entries; a write is one. */
const lagMax = 1_000;

function checkLag({ members }: ClusterStatus): Finding {
  const newest = Math.max(...members.map(({ commitIndex }) => commitIndex));
  const behind = members
    .filter(({ term }) => term > 0)
    .map(({ name, appliedIndex }) => ({ name, lag: Math.max(0, newest - appliedIndex) }))
    .sort((a, b) => b.lag - a.lag);
  const [most] = behind;
  if (most === undefined) return warning('lag', 'no master answers', 'see `trireme status`');
  const text = `${most.lag} entries at most (${most.name})`;
  if (most.lag <= lagMax) return ok('lag', text);
  return warning('lag', text, 'look at its disk, CPU and network; it catches up by itself once it can');
}

function checkAlarms({ alarms }: ClusterStatus): Finding[] {
  return alarms.map(({ type, member }) =>
    failure('alarm', `${type} of ${member}`, '"Alarms" in docs/operations.md says what ends it'),
  );
}

/** Leases, certificates and tokens go by the clock; the order of writes does not. */
const skewMaxMs = 2_000;

async function checkClocks(state: ClusterState): Promise<Finding> {
  const client = await AdminClient.open(state);
  const ahead = await Promise.all(
    state.masters.map(async (master) => ({ name: master.name, ms: await client.clockAheadMs(master) })),
  );
  const known = ahead.flatMap(({ name, ms }) => (ms === undefined ? [] : [{ name, ms }]));
  const wrong = known.filter(({ ms }) => Math.abs(ms) > skewMaxMs);
  if (known.length === 0) return warning('clock', 'no master answers', 'see `trireme status`');
  if (wrong.length === 0) return ok('clock', `within ${skewMaxMs / 1_000} s of ${known.length} masters'`);
  const text = wrong.map(({ name, ms }) => `${name} is ${Math.round(ms / 1_000)} s ahead`).join(', ');
  return warning('clock', text, 'have all clocks kept by NTP');
}
