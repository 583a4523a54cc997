import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import type { MasterConfigInput } from '../../../master/src/config.js';
import { ensureClusterPki } from '#libs/pki';
import { UserError } from '../ui/errors.js';
import { Balancer } from './balancer.js';
import { SupervisedChild } from './child.js';
import { type ControlRequest, serveControl } from './control.js';
import { Faults } from './faults.js';
import { lastError } from './log-tail.js';
import { masterEntry, masterEntryOf, nodeEntry } from './program.js';
import { type ClusterState, etcdUrl, type MasterState, writeState } from './state.js';

/** How long a master may take to hand over leadership and drain before it is killed. */
const stopGraceMs = 8_000;

export interface SupervisorOptions {
  readonly state: ClusterState;
  /** Holds the balancer's port; the supervisor closes it. */
  readonly listener: Server;
  /** Flags of the node agent, e.g. delays. */
  readonly nodeArgs: readonly string[];
}

/** Runs the masters, the node agent and the balancer of a local cluster, and keeps `cluster.json` true. */
export class Supervisor {
  #state: ClusterState;
  readonly #masters = new Map<string, SupervisedChild>();
  readonly #balancer: Balancer;
  readonly #faults = new Faults(
    () => this.#state,
    (master) => this.#masters.get(master),
  );
  #node: SupervisedChild | undefined;
  readonly #nodeArgs: readonly string[];
  #control: Server | undefined;
  #stopping: Promise<void> | undefined;
  /** What a start that went on without some masters has to say about them. */
  warnings: readonly string[] = [];
  /** Called when someone asked over the control socket that the cluster stops. */
  onStopRequested: () => void = () => {};

  constructor(options: SupervisorOptions) {
    this.#state = { ...options.state, supervisorPid: process.pid };
    this.#nodeArgs = options.nodeArgs;
    this.#balancer = new Balancer({
      listener: options.listener,
      backends: () => this.#state.masters.map((master) => master.apiPort),
      ca: () => this.#authority(),
    });
  }

  /** Read anew for each check: it may be replaced while the cluster runs. */
  #authority(): string {
    return readFileSync(join(this.#state.dataDir, 'pki', 'ca.crt'), 'utf8');
  }

  get state(): ClusterState {
    return this.#state;
  }

  /** Starts the masters and the balancer; `startNodes` follows once the API answers. */
  async start(): Promise<void> {
    this.#control = await serveControl(this.#state.dataDir, async (request) => this.#handle(request));
    await this.#balancer.start();
    mkdirSync(join(this.#state.dataDir, 'logs'), { recursive: true });
    await Promise.all(this.#state.masters.map(async (master) => this.#startMaster(master)));
  }

  startNodes(): void {
    if (this.#state.nodes === 0) return;
    this.#node = new SupervisedChild({
      name: 'nodes',
      command: process.execPath,
      args: [
        '--max-old-space-size=1024',
        nodeEntry,
        '--simulate',
        String(this.#state.nodes),
        '--kubeconfig',
        join(this.#state.dataDir, 'pki', 'node-agent.kubeconfig'),
        ...nodeMetricsArgs(this.#state),
        ...this.#nodeArgs,
      ],
      logFile: join(this.#state.dataDir, 'logs', 'nodes.log'),
      onChange: (nodePid) => {
        this.#note('the node agent', nodePid);
        this.#update({ ...this.#state, nodePid });
      },
    });
    this.#node.start();
  }

  /** Why masters are not running, for the message of a start that fails. */
  failures(): string[] {
    return [...this.#masters].flatMap(([name, child]) => {
      if (child.lastExit === undefined) return [];
      const reason = lastError(this.#logFile(name)) ?? `ended (${child.lastExit})`;
      return [`${name}: ${reason} (see ${this.#logFile(name)})`];
    });
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    await this.#node?.stop(stopGraceMs);
    await Promise.all([...this.#masters.values()].map(async (master) => master.stop(stopGraceMs)));
    await this.#balancer.close();
    await new Promise<void>((resolve) =>
      this.#control === undefined ? resolve() : this.#control.close(() => resolve()),
    );
    this.#update({ ...this.#state, supervisorPid: undefined });
  }

  async #startMaster(master: MasterState, entry = masterEntry): Promise<void> {
    const dataDir = join(this.#state.dataDir, 'masters', master.name);
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const config: MasterConfigInput = {
      name: master.name,
      clusterName: this.#state.name,
      clusterId: this.#state.clusterId,
      memberId: master.id,
      members: this.#state.masters.map(({ id, name, peerPort, observer = false }) => ({
        id,
        name,
        host: '127.0.0.1',
        port: peerPort,
        observer,
      })),
      join: master.joined === true,
      dataDir,
      pkiDir: join(this.#state.dataDir, 'pki'),
      securePort: master.apiPort,
      etcdMetricsPort: master.etcdMetricsPort,
      controllerManagerPort: master.controllerManagerPort,
      schedulerPort: master.schedulerPort,
      externalUrl: `https://127.0.0.1:${this.#state.port}`,
      faultInjection: true,
      supervisorDir: this.#state.dataDir,
      apiUrls: Object.fromEntries(
        this.#state.masters.map(({ name, apiPort }) => [name, `https://127.0.0.1:${apiPort}`]),
      ),
      ...this.#etcdApi(master),
      ...this.#state.externalStorage,
      ...this.#state.events,
    };
    const configFile = join(dataDir, 'config.json');
    await writeFile(configFile, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
    const child = new SupervisedChild({
      name: master.name,
      command: process.execPath,
      args: [...heapFlags, ...profilingFlags(), entry, '--config', configFile],
      logFile: this.#logFile(master.name),
      onChange: (pid) => {
        this.#note(master.name, pid);
        this.#updateMaster(master.name, { pid });
        this.#faults.processChanged(master.name, pid);
      },
    });
    this.#masters.set(master.name, child);
    if (master.stayDown !== true) child.start();
  }

  #etcdApi(master: MasterState): Pick<MasterConfigInput, 'etcdApi'> {
    const { etcdHost: host, masters } = this.#state;
    if (host === undefined || master.etcdPort === undefined) return {};
    const urls = masters.map((each) => [each.name, etcdUrl(this.#state, each) ?? '']);
    return { etcdApi: { host, port: master.etcdPort, clientUrls: Object.fromEntries(urls) } };
  }

  async #handle(request: ControlRequest): Promise<unknown> {
    if (request.command === 'stop') {
      // The answer goes out when everything has ended; the process then exits.
      const stopped = this.#stopAllButControl();
      await stopped;
      setImmediate(() => this.onStopRequested());
      return undefined;
    }
    if (request.command === 'adopt') return this.#adopt(request.master);
    if (request.command === 'dismiss') return this.#dismiss(request.master);
    if (request.command === 'restart') return this.#restart(request.master, request.installation);
    if (request.command === 'faults') return this.#faults.report();
    if (request.command === 'kill') this.#updateMaster(request.master, { stayDown: request.stayDown });
    else if (request.command === 'start') this.#updateMaster(request.master, { stayDown: false });
    return this.#faults.apply(request);
  }

  async #adopt(master: MasterState): Promise<void> {
    if (this.#masters.has(master.name)) throw new UserError(`there is a master "${master.name}" already`);
    // Here, before it starts: every master that runs has its certificates loaded.
    await ensureClusterPki(this.#state.dataDir, {
      masters: [...this.#state.masters, master].map(({ name }) => name),
    });
    this.#update({ ...this.#state, masters: [...this.#state.masters, master] });
    await this.#startMaster(master);
  }

  async #dismiss(name: string): Promise<void> {
    const child = this.#masters.get(name);
    if (child === undefined) {
      throw new UserError(`there is no master "${name}": ${[...this.#masters.keys()].join(', ')}`);
    }
    await child.stop(stopGraceMs);
    this.#masters.delete(name);
    this.#update({ ...this.#state, masters: this.#state.masters.filter((master) => master.name !== name) });
  }

  /** Ends a master in an orderly way and starts it again, maybe with another installation's program. */
  async #restart(name: string, installation: string | undefined): Promise<void> {
    const child = this.#masters.get(name);
    const master = this.#state.masters.find((each) => each.name === name);
    if (child === undefined || master === undefined) throw new UserError(`there is no master "${name}"`);
    const entry = installation === undefined ? masterEntry : masterEntryOf(installation);
    if (!existsSync(entry)) throw new UserError(`${installation} is no built installation: no ${entry}`);
    await child.stop(stopGraceMs);
    await this.#startMaster({ ...master, stayDown: false }, entry);
  }

  async #stopAllButControl(): Promise<void> {
    const control = this.#control;
    this.#control = undefined;
    control?.close();
    await this.stop();
  }

  #updateMaster(name: string, change: Partial<MasterState>): void {
    const masters = this.#state.masters.map((master) =>
      master.name === name ? { ...master, ...change } : master,
    );
    this.#update({ ...this.#state, masters });
  }

  #update(state: ClusterState): void {
    this.#state = state;
    writeState(state);
  }

  /** What happened when, in `logs/supervisor.log`. */
  #note(name: string, pid: number | undefined): void {
    const what = pid === undefined ? `${name} ended` : `${name} started as process ${pid}`;
    appendFileSync(this.#logFile('supervisor'), `${new Date().toISOString()} ${what}\n`, { mode: 0o600 });
  }

  #logFile(name: string): string {
    return join(this.#state.dataDir, 'logs', `${name}.log`);
  }
}

/**
 * Room for young objects: V8's own default of 16 keeps 25 MiB more a master, for no more requests a second. Growth of
 * the old ones between two collections: V8's own choice keeps 27 MiB more with 10,000 pods, for no more writes a second.
 */
const heapFlags = ['--max-semi-space-size=8', '--heap-growing-percent=80'];

/** TRIREME_CPU_PROFILE=<dir> has every master write a V8 CPU profile there when it ends. */
function profilingFlags(): string[] {
  const directory = process.env['TRIREME_CPU_PROFILE'];
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`];
}

function nodeMetricsArgs({ nodesPort, dataDir }: ClusterState): string[] {
  if (nodesPort === undefined) return [];
  const pki = (file: string): string => join(dataDir, 'pki', file);
  return [
    `--port=${nodesPort}`,
    `--tls-cert-file=${pki('node-agent.crt')}`,
    `--tls-private-key-file=${pki('node-agent.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
  ];
}
