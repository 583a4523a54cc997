import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import {
  type ClusterPki,
  ensureClusterPki,
  ensureEtcdPki,
  issueCertificate,
  kubeconfig,
  mergeKubeconfig,
} from '#libs/pki';
import { UserError } from '../ui/errors.js';
import { AdminClient } from './admin-client.js';
import { allocateEtcdPorts, allocatePorts, holdPort, portsOf, requireFree } from './ports.js';
import {
  type ClusterState,
  type ChosenEventsStore,
  type ExternalStorage,
  isAlive,
  type MasterState,
  readState,
  rememberLocation,
  writeState,
} from './state.js';
import { Supervisor } from './supervisor.js';

export interface UpOptions {
  readonly name: string;
  readonly dataDir: string;
  readonly masters: number;
  /** Members without a vote, that serve as the others do. */
  readonly observers: number;
  /** False: an existing cluster keeps the members that it has. */
  readonly membersGiven: boolean;
  readonly nodes: number;
  readonly port: number;
  /** False: an existing cluster keeps the ports that it had. */
  readonly portGiven: boolean;
  readonly kubeconfig: string;
  readonly waitMs: number;
  readonly nodeArgs: readonly string[];
  /** Where the first master serves etcd's clients, the others on the ports behind it; undefined: nowhere. */
  readonly etcdListen?: { readonly host: string; readonly port: number };
  /** Where the masters store; undefined: as before, or in their own log. */
  readonly externalStorage?: ExternalStorage;
  /** Of this start, whatever an earlier one did. */
  readonly events?: ChosenEventsStore;
}

/** Told of each step; the CLI draws them, a detached supervisor sends them to who started it. */
export type StepReporter = <T>(title: string, work: () => Promise<T>) => Promise<T>;

/**
 * Brings a local cluster up: certificates, masters, a leader, nodes, kubeconfig. What exists of an earlier run (data,
 * ports, identity) is kept. On failure everything that was started is stopped again. Throws UserError.
 */
export async function launch(options: UpOptions, step: StepReporter): Promise<Supervisor> {
  const { state, listener, pki } = await step('Preparing certificates and data', async () =>
    prepare(options),
  );
  const supervisor = new Supervisor({ state, listener, nodeArgs: options.nodeArgs });
  const deadline = Date.now() + options.waitMs;
  try {
    await step(`Starting ${state.masters.length} masters`, async () => supervisor.start());
    await step('Electing a leader', async () => {
      await until(deadline, supervisor, async () => (await readyMasters(supervisor.state)).leader);
    });
    supervisor.startNodes();
    await step('Waiting for every master to be ready', async () => awaitMasters(supervisor, deadline));
    await step(`Writing kubeconfig (context ${state.name})`, async () =>
      mergeKubeconfig(options.kubeconfig, {
        name: state.name,
        server: `https://127.0.0.1:${state.port}`,
        caPem: pki.ca.certificate,
        certPem: pki.admin.certificate,
        keyPem: pki.admin.privateKey,
      }),
    );
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return supervisor;
}

interface Prepared {
  readonly state: ClusterState;
  /** On the balancer's port. */
  readonly listener: Server;
  readonly pki: ClusterPki;
}

async function prepare(options: UpOptions): Promise<Prepared> {
  requireWritable(options.dataDir);
  const known = readState(options.dataDir);
  if (known !== undefined && isAlive(known.supervisorPid)) {
    throw new UserError(
      `cluster "${known.name}" is already running (supervisor ${known.supervisorPid})`,
      'see `trireme status`; end it with `trireme down`, or start another with --name and --port',
    );
  }
  if (known !== undefined && options.membersGiven) requireMembers(known, options);
  requireSameEngine(known, options);
  const { state: base, listener } = await claimPorts(async () =>
    known === undefined ? createState(options) : reuseState(known, options),
  );
  try {
    const state = { ...(await withEtcd(base, options.etcdListen)), events: options.events };
    return { state, listener, pki: await prepareFiles(state, options) };
  } catch (error) {
    listener.close();
    throw error;
  }
}

/** Another start may take the same ports between their choice and now: then others are chosen, or the choice refuses. */
async function claimPorts(
  choose: () => Promise<ClusterState>,
): Promise<{ state: ClusterState; listener: Server }> {
  for (;;) {
    const state = await choose();
    const listener = await holdPort(state.port);
    if (listener !== undefined) return { state, listener };
  }
}

/** Certificates, the node agent's kubeconfig and `cluster.json`. */
async function prepareFiles(state: ClusterState, options: UpOptions): Promise<ClusterPki> {
  const pki = await ensureClusterPki(options.dataDir, {
    masters: state.masters.map((master) => master.name),
  });
  if (options.etcdListen !== undefined) {
    // Before the masters look for them: none has to wait for another that issues.
    const masters = state.masters.map((master) => master.name);
    await ensureEtcdPki(options.dataDir, { masters, hosts: [options.etcdListen.host] });
  }
  await writeNodeKubeconfig(state, pki);
  writeState(state);
  rememberLocation(state.name, state.dataDir);
  return pki;
}

/** Throws UserError where a cluster that exists has other members than the flags say. */
function requireMembers(known: ClusterState, { masters, observers }: UpOptions): void {
  const observing = known.masters.filter(({ observer }) => observer === true).length;
  const voting = known.masters.length - observing;
  if (voting === masters && observing === observers) return;
  throw new UserError(
    `cluster "${known.name}" has ${voting} masters and ${observing} observers, not ${masters} and ${observers}`,
    'leave --masters and --observers out; then `trireme member add` and `remove` change a cluster that runs',
  );
}

/** A cluster that is not there yet: its identity, and ports that are free now. */
export async function createState(
  options: Pick<
    UpOptions,
    'name' | 'dataDir' | 'port' | 'masters' | 'nodes' | 'kubeconfig' | 'externalStorage'
  > & {
    readonly observers?: number;
  },
): Promise<ClusterState> {
  const { port, nodesPort, masters } = await allocatePorts(options.port, options.masters, options.observers);
  return {
    name: options.name,
    clusterId: randomBytes(8).toString('hex'),
    dataDir: options.dataDir,
    port,
    nodesPort,
    masters,
    nodes: options.nodes,
    kubeconfig: options.kubeconfig,
    ...(options.externalStorage === undefined ? {} : { externalStorage: options.externalStorage }),
  };
}

/** A cluster's data stay where they are: neither a log nor an etcd is copied into the other. */
function requireSameEngine(
  known: ClusterState | undefined,
  { externalStorage, etcdListen }: UpOptions,
): void {
  if (known !== undefined && externalStorage !== undefined && known.externalStorage === undefined) {
    throw new UserError(
      `cluster "${known.name}" stores in its masters' own log, not in an external etcd`,
      'leave --storage out, or start another cluster with --name',
    );
  }
  if (etcdListen !== undefined && (externalStorage ?? known?.externalStorage) !== undefined) {
    throw new UserError(
      '--etcd-listen needs the embedded log, and this cluster stores in an external etcd',
      "etcd's clients use that etcd itself",
    );
  }
}

async function reuseState(known: ClusterState, options: UpOptions): Promise<ClusterState> {
  const moves = options.portGiven && options.port !== known.port && options.port !== 0;
  const { port, nodesPort, masters } = moves ? await moved(known, options.port) : known;
  if (!moves) await requireFree(portsOf(known), known.port);
  return {
    ...known,
    port,
    nodesPort,
    masters: masters.map(({ pid: _pid, stayDown: _stayDown, ...master }) => master),
    nodes: options.nodes,
    nodePid: undefined,
    kubeconfig: options.kubeconfig,
    externalStorage: options.externalStorage ?? known.externalStorage,
  };
}

/** Other ports for the same members. */
async function moved(
  known: ClusterState,
  wanted: number,
): Promise<{ port: number; nodesPort: number; masters: readonly MasterState[] }> {
  const { port, nodesPort, masters } = await allocatePorts(wanted, known.masters.length);
  return {
    port,
    nodesPort,
    masters: known.masters.map(({ name, id, observer, joined }, i) => ({
      ...(masters[i] as MasterState),
      name,
      id,
      ...(observer === undefined ? {} : { observer }),
      ...(joined === undefined ? {} : { joined }),
    })),
  };
}

/** The etcd service is on where this start asks for it, whatever an earlier one did. */
async function withEtcd(state: ClusterState, listen: UpOptions['etcdListen']): Promise<ClusterState> {
  const ports = listen === undefined ? [] : await allocateEtcdPorts(listen.port, state.masters.length);
  const masters = state.masters.map((master, i) => ({ ...master, etcdPort: ports[i] }));
  return { ...state, masters, etcdHost: listen?.host };
}

/** The simulated nodes share one client certificate; its rights are those of the role system:node. */
async function writeNodeKubeconfig(state: ClusterState, pki: ClusterPki): Promise<void> {
  const path = join(state.dataDir, 'pki', 'node-agent.kubeconfig');
  // Of the agent's metrics port.
  const [certificateFile, keyFile] = ['crt', 'key'].map((end) =>
    join(state.dataDir, 'pki', `node-agent.${end}`),
  ) as [string, string];
  const complete = [path, certificateFile, keyFile].every((file) => existsSync(file));
  if (complete && readFileSync(path, 'utf8').includes(`:${state.port}`)) return;
  const pair = await issueCertificate(pki.ca, {
    commonName: 'trireme:simulated-nodes',
    organizations: ['trireme:node-agents'],
    usages: ['client'],
  });
  const text = kubeconfig({
    name: state.name,
    server: `https://127.0.0.1:${state.port}`,
    caPem: pki.ca.certificate,
    certPem: pair.certificate,
    keyPem: pair.privateKey,
  });
  writeFileSync(path, text, { mode: 0o600 });
  const { certificate, privateKey } = await issueCertificate(pki.ca, {
    commonName: 'trireme:simulated-nodes',
    usages: ['server'],
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1', '::1'],
  });
  writeFileSync(keyFile, privateKey, { mode: 0o600 });
  writeFileSync(certificateFile, certificate, { mode: 0o600 });
}

/** Throws UserError when nothing can be written there; creates the directory. */
export function requireWritable(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK);
    writeFileSync(join(dataDir, '.writable'), '');
  } catch (error) {
    throw new UserError(
      `cannot write to the data directory ${dataDir}: ${(error as Error).message}`,
      'free some space or mend its permissions, or choose another with --data-dir',
    );
  }
}

/** How long a master that keeps ending may hold up the others, once those are a quorum. */
const patienceMs = 5_000;

/** One master that cannot start (a damaged log, say) is no reason to stop a quorum that works: that is what three are for. */
async function awaitMasters(supervisor: Supervisor, deadline: number): Promise<void> {
  const { masters } = supervisor.state;
  const wanted = masters.filter((master) => master.stayDown !== true).length;
  const startedAt = Date.now();
  await until(deadline, supervisor, async () => {
    const { ready } = await readyMasters(supervisor.state);
    if (ready === wanted) return true;
    const hopeless = supervisor.failures().length >= wanted - ready && Date.now() - startedAt > patienceMs;
    if (!hopeless || ready <= masters.filter(({ observer }) => observer !== true).length / 2) return false;
    supervisor.warnings = supervisor
      .failures()
      .map((failure) => `a master does not start and will be tried again: ${failure}`);
    return true;
  });
}

async function readyMasters(state: ClusterState): Promise<{ ready: number; leader: boolean }> {
  const client = await AdminClient.open(state);
  const reports = await Promise.all(state.masters.map(async (master) => client.report(master, 1_000)));
  return {
    ready: reports.filter((report) => report?.ready === true).length,
    leader: reports.some((report) => report?.role === 'leader'),
  };
}

async function until(
  deadline: number,
  supervisor: Supervisor,
  condition: () => Promise<boolean>,
): Promise<void> {
  while (!(await condition())) {
    if (Date.now() > deadline) {
      const failures = supervisor.failures();
      throw new UserError(
        failures.length > 0 ? failures.join('; ') : 'the masters did not become ready in time',
        `the logs are in ${join(supervisor.state.dataDir, 'logs')}; --wait gives it longer`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}
