import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { UserError } from '../ui/errors.js';

export interface MasterState {
  readonly name: string;
  readonly id: number;
  /** Serves without a vote. */
  readonly observer?: boolean;
  /** Added to the cluster when it ran. */
  readonly joined?: boolean;
  /** Where it is reached; undefined on this machine. */
  readonly host?: string;
  readonly apiPort: number;
  readonly peerPort: number;
  readonly etcdMetricsPort: number;
  readonly controllerManagerPort: number;
  readonly schedulerPort: number;
  /** Where the etcd service is on. */
  readonly etcdPort?: number;
  /** Undefined while it is down. */
  readonly pid?: number;
  /** Set by `chaos kill --stay-down`: the supervisor leaves it alone. */
  readonly stayDown?: boolean;
}

/** An external etcd that a cluster stores in; as the keys of a master's configuration, paths absolute. */
export interface ExternalStorage {
  readonly storage: string;
  readonly storageCaFile?: string;
  readonly storageCertFile?: string;
  readonly storageKeyFile?: string;
  readonly storageUser?: string;
  readonly storagePasswordFile?: string;
}

/** Where a cluster keeps its Events, as the keys of a master's configuration; without `eventsStore` with everything else. */
export interface ChosenEventsStore {
  /** May hold a password: the file that this is in is the user's own. */
  readonly eventsStore?: string;
  /** Absolute. */
  readonly eventsStoreCaFile?: string;
  readonly eventTtlSeconds?: number;
}

/** What a local cluster is made of, as its supervisor last wrote it to `cluster.json`. */
export interface ClusterState {
  readonly name: string;
  readonly clusterId: string;
  readonly dataDir: string;
  /** The balancer's port: the one in the kubeconfig. */
  readonly port: number;
  readonly masters: readonly MasterState[];
  readonly nodes: number;
  /** Where the node agent serves its metrics; undefined in clusters that were made without. */
  readonly nodesPort?: number;
  readonly nodePid?: number;
  readonly supervisorPid?: number;
  readonly kubeconfig: string;
  /** Host that the etcd service listens on; undefined where it is off. */
  readonly etcdHost?: string;
  /** Undefined: in the masters' own log. */
  readonly externalStorage?: ExternalStorage;
  readonly events?: ChosenEventsStore;
}

/** URL of a master's etcd service; undefined where it is off. */
export function etcdUrl({ etcdHost }: ClusterState, { etcdPort }: MasterState): string | undefined {
  if (etcdHost === undefined || etcdPort === undefined) return undefined;
  // Who listens on all addresses is reached on this machine's own.
  const host = etcdHost === '0.0.0.0' || etcdHost === '::' ? '127.0.0.1' : etcdHost;
  return httpsUrl(host, etcdPort);
}

export function httpsUrl(host = '127.0.0.1', port: number): string {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Folder that knows every cluster of this user by name. */
export function triremeHome(): string {
  return process.env['TRIREME_HOME'] ?? join(homedir(), '.trireme');
}

/** Data directory of a cluster: the given one, the one it was started with, or the default for its name. */
export function resolveDataDir(name: string, given?: string): string {
  if (given !== undefined) return resolve(given);
  try {
    return readFileSync(join(triremeHome(), `${name}.location`), 'utf8').trim();
  } catch {
    // No pointer file: the cluster was never started elsewhere.
    return join(triremeHome(), name);
  }
}

export function rememberLocation(name: string, dataDir: string): void {
  mkdirSync(triremeHome(), { recursive: true });
  writeFileSync(join(triremeHome(), `${name}.location`), `${dataDir}\n`);
}

export function forgetLocation(name: string): void {
  rmSync(join(triremeHome(), `${name}.location`), { force: true });
}

export function readState(dataDir: string): ClusterState | undefined {
  let text: string;
  try {
    text = readFileSync(join(dataDir, 'cluster.json'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(`cannot read ${join(dataDir, 'cluster.json')}: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text) as ClusterState;
  } catch {
    throw new UserError(
      `${join(dataDir, 'cluster.json')} is damaged`,
      'restore the file from a backup, or remove the cluster with `trireme reset --force`',
    );
  }
}

export function writeState(state: ClusterState): void {
  const path = join(state.dataDir, 'cluster.json');
  writeFileSync(`${path}.tmp`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

/** The state of a cluster that must exist. */
export function requireState(name: string, dataDir?: string): ClusterState {
  const state = readState(resolveDataDir(name, dataDir));
  if (state === undefined) {
    throw new UserError(
      `there is no cluster "${name}" here`,
      'start one with `trireme up`, or name another with --name',
    );
  }
  return state;
}

/** True while the process exists; a recycled pid can fool it, which the control socket settles. */
export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function requireRunning(state: ClusterState): ClusterState {
  if (!isAlive(state.supervisorPid)) {
    throw new UserError(
      `cluster "${state.name}" is not running`,
      `start it with \`trireme up --name ${state.name}\``,
    );
  }
  return state;
}

/** The master of that name. Throws UserError with the names there are. */
export function named(masters: readonly MasterState[], name: string): MasterState {
  const master = masters.find((candidate) => candidate.name === name);
  if (master === undefined) {
    const names = masters.map((candidate) => candidate.name).join(', ');
    throw new UserError(`there is no master "${name}"`, `masters: ${names}, leader, follower`);
  }
  return master;
}
