import type { ExternalReplica } from '../external-replica.js';
import { openExternal } from '../open-external.js';
import type { ExternalOptions } from '../options.js';
import { until } from '../../testing/cluster.js';

/** Replicas in this process over one external etcd. */
export class ExternalCluster {
  readonly replicas = new Map<string, ExternalReplica>();
  readonly warnings: string[] = [];
  readonly fatals: Error[] = [];
  readonly #members: readonly { readonly id: number; readonly name: string }[];

  constructor(
    readonly url: string,
    size: number,
    readonly overrides: Partial<ExternalOptions> = {},
  ) {
    this.#members = Array.from({ length: size }, (_, i) => ({ id: i + 1, name: `m${i + 1}` }));
  }

  async open(name: string, overrides: Partial<ExternalOptions> = {}): Promise<ExternalReplica> {
    const member = this.#members.find((one) => one.name === name)!;
    const replica = await openExternal({
      name,
      memberId: member.id,
      clusterId: 'test',
      members: this.#members,
      url: this.url,
      sessionTtlSeconds: 1,
      onFatal: (error) => this.fatals.push(error),
      onWarning: (message) => this.warnings.push(message),
      ...this.overrides,
      ...overrides,
    });
    this.replicas.set(name, replica);
    return replica;
  }

  async openAll(): Promise<void> {
    for (const { name } of this.#members) await this.open(name);
  }

  /** The one that leads, once all that are open agree on it. */
  async leader(): Promise<ExternalReplica> {
    const agreed = (): ExternalReplica | undefined => {
      const all = [...this.replicas.values()];
      const leader = all.find(({ leadership }) => leadership.isLeader);
      return all.every(({ leadership }) => leadership.term === leader?.leadership.term) ? leader : undefined;
    };
    await until('all agree on a leader', () => agreed() !== undefined, 30_000);
    return agreed()!;
  }

  async close(name: string): Promise<void> {
    await this.replicas.get(name)?.close();
    this.replicas.delete(name);
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.replicas.values()].map((replica) => replica.close()));
  }
}
