import type { Message } from '#libs/raft';
import type { ChangeOutcome, MemberChange } from '../membership/member-change.js';
import type { MemberAddress } from '../membership/member-directory.js';
import type { PeerMetrics } from '../metrics.js';
import type { ForwardedProposal } from './forward-codec.js';
import type { PeerTls } from './handshake.js';
import type { CutLinks, PeerEvents, PeerNetworkOptions } from './peer-network.js';

/** How one server reaches its peers. PeerNetwork is the real one. */
export interface PeerTransport {
  /** Opens the port, then dials the peers. Rejects when the port cannot be had. */
  start(): Promise<void>;
  close(): Promise<void>;
  /** Fault injection: from now on these links lose what is sent over them; empty sets heal. */
  cut(links: CutLinks): void;
  /** Queues a message; `flush` sends all of them. */
  send(message: Message): void;
  flush(): void;
  /** False when the leader is out of reach: nothing was sent. */
  forward(leader: number, proposals: readonly ForwardedProposal[]): boolean;
  refuse(peer: number, numbers: readonly number[]): void;
  askTransfer(leader: number, to: number): boolean;
  /** A change of membership for the leader to propose; false when it is out of reach. */
  askChange(leader: number, number: number, change: MemberChange): boolean;
  answerChange(peer: number, number: number, outcome: ChangeOutcome): void;
  /**
   * From now on the peers are these; this server may be among them. Links to members that are none any more are closed, and
   * they are not let in again: ids below `nextId` that are missing were removed. Those from it on may introduce themselves.
   */
  setMembers(members: readonly MemberAddress[], nextId: number): void;
  /** Answers a client; it may have gone. Absent where there are none. */
  answerClient?(connection: number, body: Uint8Array): void;
  /** Other certificates from now on; absent where there are none. */
  reload?(tls: PeerTls): void;
  metrics(): PeerMetrics[];
}

export type CreatePeerTransport = (options: PeerNetworkOptions, events: PeerEvents) => PeerTransport;
