import type { Message } from '#libs/raft';
import { ByteReader } from '../bytes.js';
import type { MemberAddress } from '../data-dir/data-directory.js';
import { Histogram, roundTripBucketsSeconds } from '../metrics.js';
import type { PeerMetrics } from '../metrics.js';
import { maxUnwrittenBytes, SnapshotReceiver } from '../snapshot/snapshot-receiver.js';
import { encodeFrame, frameKind } from './frame.js';
import { readNumbers, readProposals, writeNumbers, writeProposals } from './forward-codec.js';
import type { ForwardedProposal } from './forward-codec.js';
import type { PeerTls } from './handshake.js';
import { messageBytes, readMessage, readMessages, writeMessage } from './message-codec.js';
import { PeerClient } from './peer-client.js';
import { PeerServer } from './peer-server.js';
import type { PeerTransport } from './peer-transport.js';
import type { PeerContext } from './peer-server.js';
import { sendSnapshot } from './snapshot-sender.js';

/** What the network tells its host. */
export interface PeerEvents {
  messages(messages: readonly Message[]): void;
  proposals(from: number, proposals: readonly ForwardedProposal[]): void;
  refused(numbers: readonly number[]): void;
  transfer(to: number): void;
  /** A snapshot is whole and durable at `path`; its announcement is to be stepped now. */
  snapshot(path: string, announcement: Message): void;
  connectionLost(peer: number): void;
  /** Entries for this peer were dropped; called from within `flush`. */
  unreachable(peer: number): void;
  snapshotSent(peer: number, ok: boolean): void;
  warning(message: string): void;
}

export interface PeerNetworkOptions {
  readonly clusterId: string;
  readonly memberId: number;
  readonly members: readonly MemberAddress[];
  readonly host: string;
  readonly port: number;
  readonly tls: PeerTls;
  readonly snapshotDirectory: string;
  /** File of a durable snapshot, undefined when it has gone. */
  readonly snapshotFile: (index: number, term: number) => string | undefined;
  readonly maxQueuedBytes?: number;
}

/** Peers to and from which frames get lost, as behind a cut cable: connections stay open and nobody is told. */
export interface CutLinks {
  readonly outgoing: ReadonlySet<number>;
  readonly incoming: ReadonlySet<number>;
}

interface Peer {
  readonly address: MemberAddress;
  readonly client: PeerClient;
  outgoing: Message[];
  sentBytes: number;
  receivedBytes: number;
  sendFailures: number;
  sendingSnapshot: boolean;
  readonly roundTrip: Histogram;
}

const defaultMaxQueuedBytes = 16 << 20;

/** All peers of one server: the listening strategy, a client a peer, and what goes over them. */
export class PeerNetwork implements PeerTransport {
  readonly #options: PeerNetworkOptions;
  readonly #events: PeerEvents;
  readonly #server: PeerServer;
  readonly #peers = new Map<number, Peer>();
  readonly #receivers = new Map<object, SnapshotReceiver>();
  #receivedSnapshots = 0;
  #cut: CutLinks = { outgoing: new Set(), incoming: new Set() };

  constructor(options: PeerNetworkOptions, events: PeerEvents) {
    this.#options = options;
    this.#events = events;
    for (const address of options.members) {
      if (address.id !== options.memberId) this.#peers.set(address.id, this.#createPeer(address));
    }
    this.#server = new PeerServer({
      ...options,
      onConnect: (peer) => this.#peers.get(peer)?.client.hurry(),
      onDisconnect: (peer) => events.connectionLost(peer),
      onReceived: (peer, bytes) => {
        const known = this.#peers.get(peer);
        if (known !== undefined) known.receivedBytes += bytes;
      },
      onWarning: (message) => events.warning(message),
    });
    this.#registerHandlers();
  }

  #createPeer(address: MemberAddress): Peer {
    const { clusterId, memberId, tls } = this.#options;
    const peer: Peer = {
      address,
      outgoing: [],
      sentBytes: 0,
      receivedBytes: 0,
      sendFailures: 0,
      sendingSnapshot: false,
      roundTrip: new Histogram(roundTripBucketsSeconds),
      client: new PeerClient({
        clusterId,
        memberId,
        peer: address,
        tls,
        channel: 'messages',
        maxQueuedBytes: this.#options.maxQueuedBytes ?? defaultMaxQueuedBytes,
        onConnect: () => undefined,
        onDisconnect: () => this.#events.connectionLost(address.id),
        onSent: (bytes) => (peer.sentBytes += bytes),
        onRoundTrip: (seconds) => peer.roundTrip.observe(seconds),
        onWarning: (message) => this.#events.warning(message),
      }),
    };
    return peer;
  }

  #registerHandlers(): void {
    const server = this.#server;
    server.handle('raft.messages', (body, context) => {
      if (this.#cut.incoming.has(context.peer)) return;
      const messages = readMessages(body);
      if (messages.every(({ from }) => from === context.peer)) this.#events.messages(messages);
      else context.refuse('a message in the name of another member');
    });
    server.handle('raft.forward', (body, context) => {
      if (!this.#cut.incoming.has(context.peer)) this.#events.proposals(context.peer, readProposals(body));
    });
    server.handle('raft.refused', (body, context) => {
      if (!this.#cut.incoming.has(context.peer)) this.#events.refused(readNumbers(body));
    });
    server.handle('raft.transfer', (body, context) => {
      if (!this.#cut.incoming.has(context.peer)) this.#events.transfer(new ByteReader(body).u64());
    });
    server.handle('raft.snapshot.chunk', (body, context) => this.#takeChunk(body, context));
    server.handle('raft.snapshot.end', (body, context) => this.#takeEnd(body, context));
  }

  /** Opens the port, then dials the peers. Throws when the port cannot be had. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.listen((error) => (error === undefined ? resolve() : reject(error)));
    });
    for (const peer of this.#peers.values()) await peer.client.connect();
  }

  async close(): Promise<void> {
    for (const peer of this.#peers.values()) peer.client.close();
    await this.#server.close();
    for (const receiver of this.#receivers.values()) await receiver.abandon();
  }

  /** Fault injection: from now on these links lose what is sent over them; empty sets heal. */
  cut(links: CutLinks): void {
    this.#cut = links;
  }

  /** Queues a message; `flush` sends all of them, one write a peer. */
  send(message: Message): void {
    const peer = this.#peers.get(message.to);
    if (peer === undefined || (this.#cut.outgoing.has(message.to) && message.type !== 'installSnapshot'))
      return;
    if (message.type === 'installSnapshot') this.#sendSnapshot(peer, message);
    else peer.outgoing.push(message);
  }

  flush(): void {
    for (const peer of this.#peers.values()) {
      const messages = peer.outgoing;
      if (messages.length === 0) continue;
      peer.outgoing = [];
      if (peer.client.connected) {
        let capacity = 64;
        for (const message of messages) capacity += messageBytes(message);
        const write = (writer: Parameters<typeof writeMessage>[0]): void => {
          for (const message of messages) writeMessage(writer, message);
        };
        if (peer.client.sendFrame(encodeFrame(frameKind.messages, write, capacity))) continue;
      }
      peer.sendFailures++;
      if (messages.some(({ type }) => type === 'appendEntries')) this.#events.unreachable(peer.address.id);
    }
  }

  /** False when the leader is out of reach: nothing was sent. */
  forward(leader: number, proposals: readonly ForwardedProposal[]): boolean {
    let capacity = 64;
    for (const { data } of proposals) capacity += 12 + data.length;
    return this.#sendFrame(
      leader,
      encodeFrame(frameKind.forward, (writer) => writeProposals(writer, proposals), capacity),
    );
  }

  refuse(peer: number, numbers: readonly number[]): void {
    this.#sendFrame(
      peer,
      encodeFrame(frameKind.refused, (writer) => writeNumbers(writer, numbers)),
    );
  }

  askTransfer(leader: number, to: number): boolean {
    return this.#sendFrame(
      leader,
      encodeFrame(frameKind.transfer, (writer) => writer.u64(to)),
    );
  }

  #sendFrame(to: number, frame: Buffer): boolean {
    const peer = this.#peers.get(to);
    if (peer === undefined) return false;
    if (this.#cut.outgoing.has(to)) return true;
    const sent = peer.client.sendFrame(frame);
    if (!sent) peer.sendFailures++;
    return sent;
  }

  #sendSnapshot(peer: Peer, announcement: Message): void {
    const { snapshot } = announcement;
    const path =
      snapshot === undefined ? undefined : this.#options.snapshotFile(snapshot.index, snapshot.term);
    if (path === undefined || peer.sendingSnapshot || this.#cut.outgoing.has(peer.address.id)) {
      setImmediate(() => this.#events.snapshotSent(peer.address.id, false));
      return;
    }
    peer.sendingSnapshot = true;
    void sendSnapshot(path, announcement, {
      ...this.#options,
      peer: peer.address,
      onSent: (bytes) => (peer.sentBytes += bytes),
      onWarning: (message) => this.#events.warning(message),
    }).then((ok) => {
      peer.sendingSnapshot = false;
      this.#events.snapshotSent(peer.address.id, ok);
    });
  }

  #takeChunk(body: Buffer, context: PeerContext): void {
    let receiver = this.#receivers.get(context.connection);
    if (this.#cut.incoming.has(context.peer)) {
      context.refuse('the link is cut');
      return;
    }
    if (receiver === undefined) {
      const name = `received-${context.peer}-${++this.#receivedSnapshots}`;
      receiver = new SnapshotReceiver(this.#options.snapshotDirectory, name);
      this.#receivers.set(context.connection, receiver);
      context.onClose(() => {
        const unfinished = this.#receivers.get(context.connection);
        this.#receivers.delete(context.connection);
        void unfinished?.abandon();
      });
    }
    const written = receiver.write(body);
    if (receiver.unwrittenBytes < maxUnwrittenBytes) return;
    context.pause();
    void written.then(() => context.resume());
  }

  #takeEnd(body: Buffer, context: PeerContext): void {
    const reader = new ByteReader(body);
    const crc = reader.u32();
    const announcement = readMessage(reader);
    const receiver = this.#receivers.get(context.connection);
    const { snapshot } = announcement;
    this.#receivers.delete(context.connection);
    if (receiver === undefined || snapshot === undefined || announcement.from !== context.peer) {
      void receiver?.abandon();
      context.refuse('a snapshot ended that had not begun');
      return;
    }
    receiver.finish(snapshot, crc).then(
      (path) => {
        context.acknowledge();
        this.#events.snapshot(path, announcement);
      },
      (error: Error) => {
        void receiver.abandon();
        context.refuse(error.message);
      },
    );
  }

  metrics(): PeerMetrics[] {
    return [...this.#peers.values()].map((peer) => ({
      name: peer.address.name,
      sentBytes: peer.sentBytes,
      receivedBytes: peer.receivedBytes,
      sendFailures: peer.sendFailures,
      roundTripSeconds: peer.roundTrip.snapshot(),
    }));
  }
}
