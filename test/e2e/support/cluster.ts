import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ClusterStatus {
  readonly cluster: string;
  readonly leader?: string;
  readonly term: number;
  readonly quorum: boolean;
  readonly members: readonly {
    readonly name: string;
    readonly id: number;
    readonly role: string;
    readonly pid?: number;
    readonly apiServer: string;
    readonly metrics: string;
    readonly term: number;
    readonly commitIndex: number;
    readonly appliedIndex: number;
    readonly healthy: boolean;
    readonly etcd?: string;
  }[];
}

/** What the tests read of the supervisor's `cluster.json`. */
export interface ClusterFile {
  readonly clusterId: string;
  readonly port: number;
  /** Of the node agent's metrics. */
  readonly nodesPort: number;
  readonly supervisorPid?: number;
  readonly nodePid?: number;
  readonly masters: readonly {
    readonly name: string;
    readonly id: number;
    readonly apiPort: number;
    readonly peerPort: number;
    readonly etcdMetricsPort: number;
    readonly controllerManagerPort: number;
    readonly schedulerPort: number;
    readonly pid?: number;
  }[];
}

/** Runs a program to its end, whatever its exit code; killed after `timeoutMs`. */
export async function run(
  command: string,
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly env?: Record<string, string>;
    readonly cwd?: string;
    readonly timeoutMs?: number;
  } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      {
        env: { ...process.env, ...options.env },
        cwd: options.cwd,
        timeout: options.timeoutMs ?? 120_000,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.end(options.input);
  });
}

/** A cluster of real processes for a test: free ports, a temporary directory, real kubectl and helm. */
export class TestCluster {
  readonly directory = mkdtempSync(join(tmpdir(), 'trireme-e2e-'));
  readonly kubeconfig = join(this.directory, 'kubeconfig');
  readonly dataDir = join(this.directory, 'data');
  readonly name: string;

  constructor(name = 'e2e') {
    this.name = name;
  }

  static async start(
    options: {
      readonly masters?: number;
      readonly nodes?: number;
      readonly name?: string;
      readonly args?: readonly string[];
    } = {},
  ): Promise<TestCluster> {
    const cluster = new TestCluster(options.name);
    await cluster.up(options);
    return cluster;
  }

  async up(
    options: { readonly masters?: number; readonly nodes?: number; readonly args?: readonly string[] } = {},
  ): Promise<void> {
    const flags = [
      '--masters',
      String(options.masters ?? 3),
      '--nodes',
      String(options.nodes ?? 3),
      '--port',
      '0',
    ];
    const result = await this.trireme(
      'up',
      '--detach',
      ...flags,
      '--kubeconfig',
      this.kubeconfig,
      ...(options.args ?? []),
    );
    if (result.code !== 0) throw new Error(`trireme up failed: ${result.stderr}`);
  }

  /** The command line of the product, on this cluster. */
  async trireme(...args: readonly string[]): Promise<CommandResult> {
    return run(process.execPath, [join(root, 'bin/trireme.mjs'), ...args], { env: this.environment() });
  }

  /** What points the product's command line at this cluster. */
  environment(): Record<string, string> {
    return {
      TRIREME_HOME: join(this.directory, 'home'),
      TRIREME_NAME: this.name,
      TRIREME_DATA_DIR: this.dataDir,
      ...this.#storage(),
    };
  }

  /** TEST_ETCD=etcd://host:port has the masters of every cluster store there, each cluster below a prefix of its own. */
  #storage(): Record<string, string> {
    const etcd = process.env['TEST_ETCD'];
    return etcd === undefined ? {} : { TRIREME_STORAGE: `${etcd}/${basename(this.directory)}` };
  }

  /** kubectl against the balancer, or against one master's own port (`server`). Throws with its output when it fails. */
  async kubectl(
    args: readonly string[],
    options: { readonly input?: string; readonly server?: string } = {},
  ): Promise<string> {
    const result = await this.tryKubectl(args, options);
    if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr || result.stdout}`);
    return result.stdout;
  }

  async tryKubectl(
    args: readonly string[],
    options: {
      readonly input?: string;
      readonly server?: string;
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<CommandResult> {
    const server = options.server === undefined ? [] : ['--server', options.server];
    return run(join(root, '.tools/bin/kubectl'), [...server, ...args], {
      env: { KUBECONFIG: this.kubeconfig, HOME: this.directory, ...options.env },
      ...(options.input === undefined ? {} : { input: options.input }),
    });
  }

  async tryHelm(args: readonly string[]): Promise<CommandResult> {
    return run(join(root, '.tools/bin/helm'), args, {
      env: { KUBECONFIG: this.kubeconfig, HOME: this.directory },
    });
  }

  async helm(args: readonly string[]): Promise<string> {
    const result = await this.tryHelm(args);
    if (result.code !== 0) throw new Error(`helm ${args.join(' ')}: ${result.stderr || result.stdout}`);
    return result.stdout;
  }

  file(): ClusterFile {
    return JSON.parse(readFileSync(join(this.dataDir, 'cluster.json'), 'utf8')) as ClusterFile;
  }

  /** URL of the balancer, or of one master by name. */
  server(master?: string): string {
    const { port, masters } = this.file();
    const apiPort = master === undefined ? port : masters.find(({ name }) => name === master)?.apiPort;
    if (apiPort === undefined) throw new Error(`there is no master ${master}`);
    return `https://127.0.0.1:${apiPort}`;
  }

  async status(): Promise<ClusterStatus> {
    const result = await this.trireme('status', '-o', 'json');
    if (result.stdout === '') throw new Error(`trireme status failed: ${result.stderr}`);
    return JSON.parse(result.stdout) as ClusterStatus;
  }

  async leader(): Promise<ClusterStatus['members'][number]> {
    const status = await this.status();
    const leader = status.members.find((member) => member.name === status.leader);
    if (leader === undefined) throw new Error('no leader');
    return leader;
  }

  /** Stops the processes and removes everything. */
  async dispose(): Promise<void> {
    await this.trireme('down');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Waits until the condition holds (returns something other than undefined or false) and returns what it gave. */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `${what} did not happen within ${timeoutMs} ms${last instanceof Error ? `: ${last.message}` : ''}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
