import type { Message } from '#libs/raft';
import type { PeerMetrics } from '../metrics.js';
import type { ForwardedProposal } from './forward-codec.js';
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
  metrics(): PeerMetrics[];
}

export type CreatePeerTransport = (options: PeerNetworkOptions, events: PeerEvents) => PeerTransport;
