import type { MemberStatus } from '#libs/consensus';
import type { Serving } from '../backend.js';
import type { ResponseHeader } from '../messages.js';

/** Where each member's etcd service is reached, by the member's name; unknown ones are shown without. */
export type ClientUrls = Readonly<Record<string, string>>;

interface MemberMessage {
  readonly ID: number;
  readonly name: string;
  readonly peerURLs: readonly string[];
  readonly clientURLs: readonly string[];
  readonly isLearner: boolean;
}

/** etcd's Cluster service. */
export class ClusterService {
  constructor(
    private readonly serving: Serving,
    private readonly clientUrls: ClientUrls,
  ) {}

  async list(request: {
    readonly linearizable: boolean;
  }): Promise<{ readonly header: ResponseHeader; readonly members: readonly MemberMessage[] }> {
    if (request.linearizable) await this.serving.space.barrier();
    const { members } = this.serving.backend.status();
    return { header: this.serving.header(), members: members.map((member) => this.message(member)) };
  }

  private message({ id, name, role, peerUrl }: MemberStatus): MemberMessage {
    const clientUrl = this.clientUrls[name];
    return {
      ID: id,
      name,
      peerURLs: [peerUrl],
      clientURLs: clientUrl === undefined ? [] : [clientUrl],
      isLearner: role === 'learner' || role === 'observer',
    };
  }
}
