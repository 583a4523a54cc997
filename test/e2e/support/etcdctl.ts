import { join } from 'node:path';
import { run } from './cluster.js';
import type { CommandResult, TestCluster } from './cluster.js';
import { Program } from './program.js';

/** The real etcdctl against a cluster that was started with `--etcd-listen`. */
export class Etcdctl {
  private constructor(
    private readonly pki: string,
    /** URL by member, in the order of the members. */
    readonly endpoints: Readonly<Record<string, string>>,
  ) {}

  static async of(cluster: TestCluster): Promise<Etcdctl> {
    const { members } = await cluster.status();
    const endpoints = members.map(({ name, etcd }): [string, string] => [name, etcd ?? '']);
    return new Etcdctl(join(cluster.dataDir, 'pki'), Object.fromEntries(endpoints));
  }

  get urls(): string {
    return Object.values(this.endpoints).join();
  }

  get certificates(): { readonly ca: string; readonly certificate: string; readonly key: string } {
    const path = (file: string): string => join(this.pki, file);
    return { ca: path('etcd-ca.crt'), certificate: path('etcd-client.crt'), key: path('etcd-client.key') };
  }

  environment(endpoints = this.urls): Record<string, string> {
    const { ca, certificate, key } = this.certificates;
    return {
      ETCDCTL_API: '3',
      ETCDCTL_ENDPOINTS: endpoints,
      ETCDCTL_CACERT: ca,
      ETCDCTL_CERT: certificate,
      ETCDCTL_KEY: key,
    };
  }

  async try(
    args: readonly string[],
    options: { readonly input?: string; readonly endpoints?: string; readonly timeoutMs?: number } = {},
  ): Promise<CommandResult> {
    const { endpoints, ...rest } = options;
    return run('etcdctl', args, { env: this.environment(endpoints), ...rest });
  }

  /** Its output without the last line's end. Throws with what it said when it fails. */
  async run(args: readonly string[], options: Parameters<Etcdctl['try']>[1] = {}): Promise<string> {
    const result = await this.try(args, options);
    if (result.code !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${result.stderr || result.stdout}`);
    return result.stdout.trimEnd();
  }

  /** What it printed as JSON. */
  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.run([...args, '-w', 'json'])) as T;
  }

  /** One that goes on until it is killed. */
  start(args: readonly string[], input?: string): Program {
    return new Program('etcdctl', args, this.environment(), input);
  }
}
