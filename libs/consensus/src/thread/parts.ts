import { createRaft } from '#libs/raft';
import { nodeEnvironment } from '../environment/environment.js';
import type { Environment } from '../environment/environment.js';
import { PeerNetwork } from '../transport/peer-network.js';
import type { CreatePeerTransport } from '../transport/peer-transport.js';

/** What the thread is made of, where it is not the machine's and the real thing (libs/simulation). */
export interface ThreadParts extends Environment {
  readonly createRaft: typeof createRaft;
  readonly createTransport: CreatePeerTransport;
}

export const realParts: ThreadParts = {
  ...nodeEnvironment,
  createRaft,
  createTransport: (options, events) => new PeerNetwork(options, events),
};
