import type { Message } from '#libs/raft';
import { ByteReader } from '../bytes.js';
import type { MemberAddress } from '../membership/member-directory.js';
import {
  readChangeOutcome,
  readMemberChange,
  writeChangeOutcome,
  writeMemberChange,
} from '../membership/member-change.js';
import type { ChangeOutcome, MemberChange } from '../membership/member-change.js';
import { Histogram, roundTripBucketsSeconds } from '../metrics.js';
import type { PeerMetrics } from '../metrics.js';
import { maxUnwrittenBytes, SnapshotReceiver } from '../snapshot/snapshot-receiver.js';
import { readRequests } from './client-codec.js';
import { encodeFrame, frameHeaderBytes, frameKind } from './frame.js';
import { readNumbers, readProposals, writeNumbers, writeProposals } from './forward-codec.js';
import type { ForwardedProposal } from './forward-codec.js';
import type { KnownPeers, PeerTls } from './handshake.js';
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
  /** A member asks this server, as the leader, for a change of membership; answered with `answerChange`. */
  memberChange(from: number, number: number, change: MemberChange): void;
  memberChangeOutcome(number: number, outcome: ChangeOutcome): void;
  /** A client asks, over a connection that `answerClient` names; the body is found well-formed and a view. */
  client(connection: number, body: Buffer): void;
  /** A peer will not let this server in any more: it was removed from the cluster. */
  removed(reason: string): void;
  warning(message: string): void;
}

export interface PeerNetworkOptions {
  readonly clusterId: string;
  readonly memberId: number;
  /** Those known at the start, this one included; see PeerTransport.setMembers. */
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
/** Peers that this server answers before it knows them as members: a few leaders at most. */
const maxIntroduced = 16;

/** All peers of one server: the listening strategy, a client a peer, and what goes over them. */
export class PeerNetwork implements PeerTransport {
  readonly #options: PeerNetworkOptions;
  readonly #events: PeerEvents;
  readonly #server: PeerServer;
  readonly #peers = new Map<number, Peer>();
  readonly #receivers = new Map<object, SnapshotReceiver>();
  #receivedSnapshots = 0;
  readonly #clients = new Map<number, PeerContext>();
  readonly #clientNumbers = new Map<object, number>();
  #lastClient = 0;
  #tls: PeerTls;
  #cut: CutLinks = { outgoing: new Set(), incoming: new Set() };
  #known: KnownPeers;
  readonly #self: MemberAddress;
  #dialling = false;

  constructor(options: PeerNetworkOptions, events: PeerEvents) {
    this.#options = options;
    this.#tls = options.tls;
    this.#events = events;
    const { memberId, members, host, port } = options;
    this.#known = { members, nextId: 0 };
    this.#self = members.find(({ id }) => id === memberId) ?? { id: memberId, name: '', host, port };
    for (const address of members) this.#link(address);
    this.#server = new PeerServer({
      ...options,
      known: () => this.#known,
      onConnect: (peer) => this.#welcome(peer),
      onDisconnect: (peer) => events.connectionLost(peer),
      onReceived: (peer, bytes) => {
        const known = this.#peers.get(peer);
        if (known !== undefined) known.receivedBytes += bytes;
      },
      onWarning: (message) => events.warning(message),
    });
    this.#registerHandlers();
  }

  #link(address: MemberAddress): void {
    const { id, host, port } = address;
    if (id === this.#options.memberId) return;
    const before = this.#peers.get(id);
    if (before !== undefined && before.address.host === host && before.address.port === port) return;
    before?.client.close();
    const peer = this.#createPeer(address);
    this.#peers.set(id, peer);
    if (this.#dialling) void peer.client.connect();
  }

  #welcome(peer: MemberAddress): void {
    const known = this.#peers.get(peer.id);
    if (known !== undefined) return known.client.hurry();
    const introduced = [...this.#peers.keys()].filter((id) => !this.#isMember(id)).length;
    if (introduced < maxIntroduced) this.#link(peer);
  }

  #isMember(peer: number): boolean {
    return this.#known.members.some(({ id }) => id === peer);
  }

  setMembers(members: readonly MemberAddress[], nextId: number): void {
    this.#known = { members, nextId };
    for (const member of members) this.#link(member);
    for (const [id, { client }] of this.#peers) {
      if (id >= nextId || this.#isMember(id)) continue;
      this.#peers.delete(id);
      client.close();
      this.#server.expel(id);
    }
  }

  #createPeer(address: MemberAddress): Peer {
    const { clusterId } = this.#options;
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
        self: this.#self,
        peer: address,
        tls: this.#tls,
        channel: 'messages',
        maxQueuedBytes: this.#options.maxQueuedBytes ?? defaultMaxQueuedBytes,
        onConnect: () => undefined,
        onDisconnect: () => this.#events.connectionLost(address.id),
        onSent: (bytes) => (peer.sentBytes += bytes),
        onRoundTrip: (seconds) => peer.roundTrip.observe(seconds),
        onWarning: (message) => this.#events.warning(message),
        onRemoved: (reason) => this.#events.removed(reason),
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
    server.handle('raft.member.change', (body, context) => {
      const reader = new ByteReader(body);
      if (this.#cut.incoming.has(context.peer)) return;
      this.#events.memberChange(context.peer, reader.u64(), readMemberChange(reader));
    });
    server.handle('raft.member.outcome', (body, context) => {
      const reader = new ByteReader(body);
      if (this.#cut.incoming.has(context.peer)) return;
      this.#events.memberChangeOutcome(reader.u64(), readChangeOutcome(reader));
    });
    server.handle('client.requests', (body, context) => {
      readRequests(body);
      this.#events.client(this.#clientOf(context), body);
    });
    server.handle('raft.snapshot.chunk', (body, context) => this.#takeChunk(body, context));
    server.handle('raft.snapshot.end', (body, context) => this.#takeEnd(body, context));
  }

  #clientOf(context: PeerContext): number {
    const known = this.#clientNumbers.get(context.connection);
    if (known !== undefined) return known;
    const number = ++this.#lastClient;
    this.#clientNumbers.set(context.connection, number);
    this.#clients.set(number, context);
    context.onClose(() => {
      this.#clientNumbers.delete(context.connection);
      this.#clients.delete(number);
    });
    return number;
  }

  answerClient(connection: number, body: Uint8Array): void {
    const frame = encodeFrame(
      frameKind.clientAnswers,
      (writer) => writer.raw(body),
      frameHeaderBytes + body.length,
    );
    this.#clients.get(connection)?.answer(frame);
  }

  /** Opens the port, then dials the peers. Throws when the port cannot be had. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.listen((error) => (error === undefined ? resolve() : reject(error)));
    });
    this.#dialling = true;
    for (const peer of this.#peers.values()) await peer.client.connect();
  }

  async close(): Promise<void> {
    for (const peer of this.#peers.values()) peer.client.close();
    await this.#server.close();
    for (const receiver of this.#receivers.values()) await receiver.abandon();
  }

  reload(tls: PeerTls): void {
    this.#tls = tls;
    this.#server.reload(tls);
    for (const { client } of this.#peers.values()) client.reload(tls);
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

  askChange(leader: number, number: number, change: MemberChange): boolean {
    const frame = encodeFrame(frameKind.memberChange, (writer) => {
      writer.u64(number);
      writeMemberChange(writer, change);
    });
    return this.#sendFrame(leader, frame);
  }

  answerChange(peer: number, number: number, outcome: ChangeOutcome): void {
    const frame = encodeFrame(frameKind.memberChangeOutcome, (writer) => {
      writer.u64(number);
      writeChangeOutcome(writer, outcome);
    });
    this.#sendFrame(peer, frame);
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
      self: this.#self,
      tls: this.#tls,
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
