import { openReplica } from '#libs/consensus';
import type {
  Replica,
  ReplicaHost,
  ReplicaOptions,
  ThreadOptions,
  ThreadParts,
  loadConsensusThread,
} from '#libs/consensus';
import { createRaft } from '#libs/raft';
import { simulatedClock, Skew } from './clock.js';
import { SimulatedDisk } from './disk.js';
import { Loop } from './event-queue.js';
import type { Network } from './network.js';
import type { Observer } from './observer.js';
import type { Scenario } from './options.js';
import { simulatedChannel } from './ports.js';
import { Stream } from './random.js';
import { describeError } from './simulator.js';
import type { Simulator } from './simulator.js';

export type StartThread = Awaited<ReturnType<typeof loadConsensusThread>>;

/** What all servers of a run share. */
export interface Group {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly simulator: Simulator;
  readonly network: Network;
  readonly observer: Observer;
  readonly startThread: StartThread;
  /** The replica of this server has gone: nobody will hear from it again. */
  readonly lost: (server: Server) => void;
}

const dataDir = '/data';

/** One machine: a disk, a clock, and the process that is started on it again and again. */
export class Server {
  readonly disk: SimulatedDisk;
  readonly skew = new Skew();
  state: 'down' | 'starting' | 'up' | 'stopping' | 'halted' | 'removed' = 'down';
  replica: Replica | undefined;
  main: Loop;
  consensus: Loop;
  starts = 0;
  /** Its disk has refused a call, or was damaged, since the process began: it may end by itself. */
  diskRefused = false;
  damaged = false;
  /** It has forgotten what it had called durable, and nobody can know: it may lag for good. */
  forgetful = false;
  /** Its removal was asked for: it may be told so, and end for good. */
  dismissed = false;
  private readonly random: Stream;

  constructor(
    readonly id: number,
    private readonly group: Group,
    /** It was added to the running group. */
    private readonly joins = false,
  ) {
    const { seed, simulator, scenario } = group;
    this.random = new Stream(seed, `server ${id}`);
    this.disk = new SimulatedDisk(simulator, new Stream(seed, `disk ${id}`), scenario.sectorBytes);
    this.disk.latencyMs = scenario.diskLatencyMs;
    this.main = this.deadLoop('main');
    this.consensus = this.deadLoop('consensus');
    this.disk.view(this.main).mkdirSync('/', { recursive: true, mode: 0o700 });
  }

  private deadLoop(name: 'main' | 'consensus'): Loop {
    const loop = new Loop(this.id, name);
    loop.alive = false;
    return loop;
  }

  get name(): string {
    return `m${this.id}`;
  }

  /** Starts the process; it is up once its replica has opened. */
  start(): void {
    if (this.state !== 'down') return;
    this.state = 'starting';
    this.starts += 1;
    this.main = new Loop(this.id, 'main');
    this.consensus = new Loop(this.id, 'consensus');
    const { main } = this;
    this.group.simulator.note(() => `${this.name} starts`);
    this.group.simulator.after(this.random.between(0.1, 5), 'process', main, () => {
      openReplica(this.options(main), this.host(main, this.consensus)).then(
        (replica) => this.opened(replica, main),
        (error: unknown) => this.failedToOpen(error, main),
      );
    });
  }

  private opened(replica: Replica, loop: Loop): void {
    if (loop !== this.main || !loop.alive) return;
    this.replica = replica;
    this.state = 'up';
    this.group.simulator.note(() => `${this.name} is up`);
  }

  /** Damage must be found, and only damage; a refused call is no reason to give up the data. */
  private failedToOpen(error: unknown, loop: Loop): void {
    if (loop !== this.main || !loop.alive) return;
    const { simulator } = this.group;
    const code = (error as { code?: string }).code;
    simulator.note(() => `${this.name} does not start: ${(error as Error).message}`);
    this.end(false);
    if (this.damaged && code === 'Damaged') this.state = 'halted';
    else if (this.diskRefused)
      simulator.after(this.random.between(50, 300), 'process', undefined, () => this.start());
    else simulator.fail(`${this.name} does not start: ${describeError(error)}`);
    this.diskRefused = false;
  }

  private fatal(error: Error, loop: Loop): void {
    if (loop !== this.main || !loop.alive) return;
    const { simulator } = this.group;
    simulator.note(() => `${this.name} stops: ${error.message}`);
    if (error.name === 'MemberRemovedError') return this.leave();
    const expected = this.diskRefused || this.damaged;
    if (!expected) simulator.fail(`${this.name} stopped by itself: ${describeError(error)}`);
    this.crash(false);
    this.diskRefused = false;
    simulator.after(this.random.between(20, 300), 'process', undefined, () => this.start());
  }

  private leave(): void {
    if (!this.dismissed)
      this.group.simulator.fail(`${this.name} was told that it was removed, and nobody had asked for it`);
    this.crash(false);
    this.state = 'removed';
  }

  /** The process is gone from one moment to the next. Returns what its disk lost. */
  crash(losesPower: boolean): ReturnType<SimulatedDisk['crash']> {
    this.end(losesPower);
    return this.disk.crash(losesPower);
  }

  private end(silently: boolean): void {
    const { network, observer, lost } = this.group;
    this.main.alive = false;
    this.consensus.alive = false;
    this.replica = undefined;
    if (this.state !== 'halted' && this.state !== 'removed') this.state = 'down';
    network.leave(this.id, silently);
    observer.ended(this.id);
    lost(this);
  }

  /** Ends in order; `after` runs once it has. */
  stop(after: () => void): void {
    const { replica, main } = this;
    if (replica === undefined) return;
    this.state = 'stopping';
    const { simulator } = this.group;
    simulator.after(0, 'process', main, () => {
      replica.close().then(
        () => {
          if (!main.alive) return;
          this.crash(false);
          after();
        },
        (error: unknown) => simulator.fail(`${this.name} could not be closed: ${describeError(error)}`),
      );
    });
  }

  pause(which: 'main' | 'consensus' | 'both', paused: boolean): void {
    const { simulator } = this.group;
    for (const loop of [this.main, this.consensus]) {
      if (!loop.alive || loop.paused === paused || (which !== 'both' && which !== loop.name)) continue;
      if (paused) loop.paused = true;
      else simulator.resume(loop);
    }
  }

  private options(loop: Loop): ReplicaOptions {
    const { scenario } = this.group;
    const members = Array.from({ length: scenario.servers }, (_, i) => ({
      id: i + 1,
      name: `m${i + 1}`,
      host: 'simulated',
      port: i + 1,
    }));
    const self = { id: this.id, name: this.name, host: 'simulated', port: this.id };
    return {
      name: this.name,
      memberId: this.id,
      join: this.joins,
      clusterId: 'simulated',
      members: this.joins ? [...members, self] : members,
      dataDir,
      listen: { host: 'simulated', port: this.id },
      tls: { ca: '', certificate: '', privateKey: '' },
      tickMs: scenario.tickMs,
      electionTicks: scenario.electionTicks,
      heartbeatTicks: scenario.heartbeatTicks,
      hashCheckMs: 700,
      retentionMs: 5_000,
      retentionRevisions: scenario.retentionRevisions,
      snapshotEntries: scenario.snapshotEntries,
      segmentBytes: scenario.segmentBytes,
      logKeepBytes: scenario.logKeepBytes,
      noLeaderPatienceMs: 600,
      onFatal: (error) => this.fatal(error, loop),
      onWarning: (message) => this.warning(message),
    };
  }

  private warning(message: string): void {
    const { simulator } = this.group;
    simulator.note(() => `${this.name} warns: ${message}`);
    if (message.includes('differs from that of the others'))
      simulator.fail(`${this.name} is corrupt: ${message}`);
  }

  private host(main: Loop, consensus: Loop): ReplicaHost {
    const { simulator } = this.group;
    return {
      clock: simulatedClock(simulator, main, this.skew, this.random),
      disk: this.disk.view(main),
      random: {
        random: () => this.random.next(),
        randomInt: (min, max) => this.random.int(min, max),
      },
      lock: () => () => undefined,
      launch: (options) => this.launch(options, main, consensus),
    };
  }

  private launch(options: ThreadOptions, main: Loop, consensus: Loop): ReturnType<ReplicaHost['launch']> {
    const { simulator, observer, startThread } = this.group;
    const ports = simulatedChannel(simulator, { main, consensus }, this.random, (message) => {
      if (message.kind !== 'applied' || this.replica === undefined || this.main !== main) return;
      observer.applied(this.id, this.replica.appliedState(), this.replica.compactRevision);
    });
    const parts = this.parts(consensus);
    simulator.after(0.1, 'process', consensus, () => startThread(ports.consensus, options, parts));
    return { port: ports.main, end: () => Promise.resolve() };
  }

  private parts(consensus: Loop): ThreadParts {
    const { simulator, network, observer } = this.group;
    const disk = this.disk.view(consensus);
    return {
      clock: simulatedClock(simulator, consensus, this.skew, this.random),
      disk,
      random: {
        random: () => this.random.next(),
        randomInt: (min, max) => this.random.int(min, max),
      },
      createRaft: (given) => {
        const { maxBytesPerMessage, maxInflightMessages } = this.group.scenario;
        const options = { ...given, maxBytesPerMessage, maxInflightMessages };
        return observer.watch(this.id, options, createRaft(options));
      },
      createTransport: (options, events) => network.transport(this.id, consensus, disk, options, events),
    };
  }
}
