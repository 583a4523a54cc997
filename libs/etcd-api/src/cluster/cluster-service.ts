import type { MemberStatus } from '#libs/consensus';
import { etcdError } from '../errors.js';
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

interface MembersResponse {
  readonly header: ResponseHeader;
  readonly members: readonly MemberMessage[];
}

/** A member has one peer URL here: `https`, a host and a port, nothing more. */
function peerAddress(urls: readonly string[]): { readonly host: string; readonly port: number } {
  const text = urls.length === 1 ? (urls[0] ?? '') : '';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.port === '' || url.pathname !== '/') throw etcdError('memberBadUrls');
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}

/** etcd's Cluster service. */
export class ClusterService {
  constructor(
    private readonly serving: Serving,
    private readonly clientUrls: ClientUrls,
  ) {}

  async list(request: { readonly linearizable: boolean }): Promise<MembersResponse> {
    if (request.linearizable) await this.serving.space.barrier();
    return this.members();
  }

  /** The new member is to be started with the id that this answers, and the name `m<id>`, which its certificate must hold. */
  async add(request: {
    readonly peerURLs: readonly string[];
    readonly isLearner: boolean;
  }): Promise<MembersResponse & { readonly member: MemberMessage | undefined }> {
    const role = request.isLearner ? 'learner' : 'voter';
    const id = await this.serving.backend.members.add({ ...peerAddress(request.peerURLs), role });
    const answer = this.members();
    return { ...answer, member: answer.members.find(({ ID }) => ID === id) };
  }

  async remove({ ID }: { readonly ID: number }): Promise<MembersResponse> {
    await this.serving.backend.members.remove(ID);
    return this.members();
  }

  async update(request: {
    readonly ID: number;
    readonly peerURLs: readonly string[];
  }): Promise<MembersResponse> {
    await this.serving.backend.members.update(request.ID, peerAddress(request.peerURLs));
    return this.members();
  }

  async promote({ ID }: { readonly ID: number }): Promise<MembersResponse> {
    await this.serving.backend.members.promote(ID);
    return this.members();
  }

  private members(): MembersResponse {
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
