import { crc32 } from 'node:zlib';
import { SnapshotReceiver } from '#libs/consensus';
import type { CreatePeerTransport, Disk, PeerTransport } from '#libs/consensus';
import type { Message } from '#libs/raft';
import type { Coverage } from './coverage.js';
import type { Loop } from './event-queue.js';
import type { Stream } from './random.js';
import type { Simulator } from './simulator.js';

type PeerEvents = Parameters<CreatePeerTransport>[1];
type TransportOptions = Parameters<CreatePeerTransport>[0];

/** How links behave until the next fault changes it. */
export interface Weather {
  lossRate: number;
  doubleRate: number;
  reorderRate: number;
  meanDelayMs: number;
}

/** One direction between two servers. */
class Link {
  cut = false;
  clogged = false;
  waiting: (() => void)[] = [];
  /** Frames of a connection arrive in order. */
  lastAt = 0;
  connectsAt = 0;
}

/** One process as its peers reach it. */
interface Endpoint {
  readonly loop: Loop;
  readonly events: PeerEvents;
  readonly disk: Disk;
  readonly snapshotDirectory: string;
  snapshots: number;
  /** Whom it takes for members; ids below `nextId` that are missing were removed. */
  members: ReadonlySet<number>;
  nextId: number;
}

const chunkBytes = 700;
/** A snapshot's sender gives up on a peer that is silent for so long. */
const snapshotSilenceMs = 800;

/** All links between the servers. Frames of one turn travel together, as they do in one TCP segment. */
export class Network {
  readonly calm: Weather;
  weather: Weather;
  private readonly endpoints = new Map<number, Endpoint>();
  private readonly links = new Map<number, Link>();

  constructor(
    readonly simulator: Simulator,
    readonly random: Stream,
    readonly coverage: Coverage,
    meanDelayMs: number,
  ) {
    this.calm = { lossRate: 0, doubleRate: 0, reorderRate: 0, meanDelayMs };
    this.weather = this.calm;
  }

  link(from: number, to: number): Link {
    const key = from * 1024 + to;
    let link = this.links.get(key);
    if (link === undefined) this.links.set(key, (link = new Link()));
    return link;
  }

  endpoint(id: number): Endpoint | undefined {
    const endpoint = this.endpoints.get(id);
    return endpoint?.loop.alive === true ? endpoint : undefined;
  }

  join(id: number, endpoint: Endpoint): void {
    this.endpoints.set(id, endpoint);
    for (const other of this.endpoints.keys()) {
      if (other === id) continue;
      for (const link of [this.link(id, other), this.link(other, id)])
        link.connectsAt = this.simulator.now + this.random.between(0.2, 8);
    }
  }

  /** The process has ended; its kernel closes its connections, unless the machine has ended as well. */
  leave(id: number, silently: boolean): void {
    this.endpoints.delete(id);
    if (silently) return;
    for (const other of this.endpoints.keys()) this.tellLost(other, id);
  }

  private tellLost(at: number, lost: number): void {
    const endpoint = this.endpoint(at);
    if (endpoint === undefined || this.link(lost, at).cut) return;
    const tell = (): void => endpoint.events.connectionLost(lost);
    // Once for the connection it had opened itself, once for the peer's.
    this.simulator.after(this.random.between(0.05, 1), 'message', endpoint.loop, tell);
    this.simulator.after(this.random.between(0.05, 1), 'message', endpoint.loop, tell);
  }

  reset(a: number, b: number): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.link(from, to).connectsAt = this.simulator.now + this.random.between(0.2, 60);
      this.tellLost(to, from);
    }
    this.coverage.hit('network: connection reset');
  }

  unclog(link: Link): void {
    link.clogged = false;
    const { waiting } = link;
    link.waiting = [];
    for (const send of waiting) send();
  }

  heal(): void {
    this.weather = this.calm;
    for (const link of this.links.values()) {
      link.cut = false;
      this.unclog(link);
    }
  }

  connected(from: number, to: number): boolean {
    return this.endpoint(to) !== undefined && this.link(from, to).connectsAt <= this.simulator.now;
  }

  /** A peer that knows of this server's removal lets it in no more, and says so. */
  private expelled(from: number, to: Endpoint): boolean {
    if (to.members.has(from) || from >= to.nextId) return false;
    const sender = this.endpoint(from);
    if (sender !== undefined) {
      const reason = 'a peer says so';
      this.simulator.after(1, 'message', sender.loop, () => sender.events.removed(reason));
    }
    return true;
  }

  /** False when there is no connection. What is lost on the way is lost in silence. */
  frame(from: number, to: number, deliver: (events: PeerEvents) => void): boolean {
    const endpoint = this.endpoint(to);
    const link = this.link(from, to);
    if (endpoint === undefined || link.connectsAt > this.simulator.now) return false;
    const { weather, random, coverage } = this;
    if (link.cut) return true;
    if (this.expelled(from, endpoint)) return false;
    if (weather.lossRate > 0 && random.chance(weather.lossRate)) {
      coverage.hit('network: frame lost');
      return true;
    }
    const send = (): void => {
      let at = this.simulator.now + 0.03 + random.around(weather.meanDelayMs);
      if (weather.reorderRate > 0 && random.chance(weather.reorderRate))
        coverage.hit('network: frame reordered');
      else link.lastAt = at = Math.max(at, link.lastAt);
      this.simulator.queue.push(at, 'message', endpoint.loop, () => deliver(endpoint.events));
    };
    if (link.clogged) link.waiting.push(send);
    else send();
    if (weather.doubleRate > 0 && random.chance(weather.doubleRate)) {
      coverage.hit('network: frame doubled');
      if (link.clogged) link.waiting.push(send);
      else send();
    }
    return true;
  }

  /** The transport of one process. */
  transport(
    id: number,
    loop: Loop,
    disk: Disk,
    options: TransportOptions,
    events: PeerEvents,
  ): PeerTransport {
    return new SimulatedTransport(this, id, loop, disk, options, events);
  }

  /** Streams a file's bytes in pieces; calls `done` once, as long as the sender lives. */
  stream(
    from: number,
    to: number,
    bytes: Buffer,
    announcement: Message,
    sender: Loop,
    done: (ok: boolean) => void,
  ): void {
    const { simulator } = this;
    const endpoint = this.endpoint(to);
    let ended = false;
    const end = (ok: boolean): void => {
      if (ended) return;
      ended = true;
      simulator.after(0.05 + this.random.around(this.weather.meanDelayMs), 'message', sender, () => done(ok));
    };
    if (endpoint === undefined || !this.connected(from, to)) return end(false);
    endpoint.snapshots += 1;
    const receiver = new SnapshotReceiver(
      endpoint.snapshotDirectory,
      `received-${from}-${endpoint.snapshots}`,
      endpoint.disk,
    );
    const fail = (): void => {
      if (ended) return;
      this.coverage.hit('network: snapshot stream cut');
      if (endpoint.loop.alive) void receiver.abandon();
      end(false);
    };
    const step = (at: number): void => {
      if (ended) return;
      if (!sender.alive || !endpoint.loop.alive || this.link(from, to).cut) return fail();
      if (at < bytes.length) {
        void receiver.write(bytes.subarray(at, at + chunkBytes));
        simulator.after(this.random.around(this.weather.meanDelayMs), 'chunk', undefined, () =>
          step(at + chunkBytes),
        );
        return;
      }
      const { snapshot } = announcement;
      if (snapshot === undefined) return fail();
      receiver.finish(snapshot, crc32(bytes)).then(
        (path) => {
          // Its sender may not hear of it, and send it again; it may be taken late, when the log has gone on.
          const unheard = this.random.chance(0.2);
          if (unheard) this.coverage.hit('network: end of a snapshot not heard');
          const late = unheard ? this.random.around(snapshotSilenceMs / 2) : 0;
          // A thread that is paused takes it when it goes on.
          simulator.after(late, 'chunk', endpoint.loop, () => endpoint.events.snapshot(path, announcement));
          end(!unheard);
        },
        () => {
          void receiver.abandon();
          end(false);
        },
      );
    };
    const silence = (): void => {
      if (ended) return;
      simulator.after(snapshotSilenceMs, 'chunk', undefined, () => fail());
    };
    step(0);
    silence();
  }
}

class SimulatedTransport implements PeerTransport {
  private readonly outgoing = new Map<number, Message[]>();
  private readonly sendingTo = new Set<number>();
  private known: { members: ReadonlySet<number>; nextId: number };
  private endpoint: Endpoint | undefined;

  constructor(
    private readonly network: Network,
    private readonly id: number,
    private readonly loop: Loop,
    private readonly disk: Disk,
    private readonly options: TransportOptions,
    private readonly events: PeerEvents,
  ) {
    this.known = { members: new Set(options.members.map((member) => member.id)), nextId: 0 };
  }

  start(): Promise<void> {
    const { network, id, loop, events, disk, options, known } = this;
    const { snapshotDirectory } = options;
    this.endpoint = { loop, events, disk, snapshotDirectory, snapshots: 0, ...known };
    network.join(id, this.endpoint);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.network.leave(this.id, false);
    return Promise.resolve();
  }

  cut(): void {
    throw new Error('links of a simulated network are cut by the simulation');
  }

  setMembers(members: TransportOptions['members'], nextId: number): void {
    this.known = { members: new Set(members.map(({ id }) => id)), nextId };
    if (this.endpoint !== undefined) Object.assign(this.endpoint, this.known);
  }

  /** There is a link to every member, and to whoever has introduced itself. */
  private links(to: number): boolean {
    return this.known.members.has(to) || to >= this.known.nextId;
  }

  send(message: Message): void {
    if (!this.links(message.to)) return;
    if (message.type === 'installSnapshot') return this.sendSnapshot(message);
    const queue = this.outgoing.get(message.to);
    if (queue === undefined) this.outgoing.set(message.to, [message]);
    else queue.push(message);
  }

  flush(): void {
    for (const [to, messages] of this.outgoing) {
      if (messages.length === 0) continue;
      this.outgoing.set(to, []);
      if (this.network.frame(this.id, to, (events) => events.messages(messages))) continue;
      if (messages.some(({ type }) => type === 'appendEntries')) this.events.unreachable(to);
    }
  }

  forward(...[leader, proposals]: Parameters<PeerTransport['forward']>): boolean {
    return this.network.frame(this.id, leader, (events) => events.proposals(this.id, proposals));
  }

  refuse(peer: number, numbers: readonly number[]): void {
    this.network.frame(this.id, peer, (events) => events.refused(numbers));
  }

  askTransfer(leader: number, to: number): boolean {
    return this.network.frame(this.id, leader, (events) => events.transfer(to));
  }

  askChange(...[leader, number, change]: Parameters<PeerTransport['askChange']>): boolean {
    return this.network.frame(this.id, leader, (events) => events.memberChange(this.id, number, change));
  }

  answerChange(...[peer, number, outcome]: Parameters<PeerTransport['answerChange']>): void {
    this.network.frame(this.id, peer, (events) => events.memberChangeOutcome(number, outcome));
  }

  private sendSnapshot(announcement: Message): void {
    const { to, snapshot } = announcement;
    const path =
      snapshot === undefined ? undefined : this.options.snapshotFile(snapshot.index, snapshot.term);
    const { simulator } = this.network;
    if (path === undefined || this.sendingTo.has(to)) {
      simulator.after(0.01, 'message', this.loop, () => this.events.snapshotSent(to, false));
      return;
    }
    this.sendingTo.add(to);
    this.network.stream(this.id, to, this.disk.readFileSync(path), announcement, this.loop, (ok) => {
      this.sendingTo.delete(to);
      this.events.snapshotSent(to, ok);
    });
  }

  metrics(): [] {
    return [];
  }
}
