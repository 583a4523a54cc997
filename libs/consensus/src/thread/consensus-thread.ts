import { asLogIndex, asMemberId, configurationOfVoters, noMember } from '#libs/raft';
import type { Entry, MemberId, Message, RaftServer, Ready, Refusal, SoftState } from '#libs/raft';
import type { CancelTimer } from '../environment/clock.js';
import { initialConfiguration } from '../membership/member-directory.js';
import { type DiskFault, faultyDisk } from '../environment/faulty-disk.js';
import { RaftLog } from '../log/raft-log.js';
import { syncDirectory } from '../log/segment.js';
import { Histogram, fsyncBucketsSeconds } from '../metrics.js';
import { snapshotPath } from '../snapshot/snapshot-directory.js';
import type { PeerTransport } from '../transport/peer-transport.js';
import type { ForwardedProposal } from '../transport/forward-codec.js';
import { ClientGathering } from './client-gathering.js';
import { EntryTimes } from './entry-times.js';
import { packCommitted, unpackProposals } from './batches.js';
import { realParts, type ThreadParts } from './parts.js';
import type { FromThread, Port, ProposeBatch, RefusalReason, ThreadOptions, ToThread } from './protocol.js';
import { ThreadMembership } from './thread-membership.js';

const reportEveryMs = 500;
const firstCampaignDelayMs = 4;
const maxBytesPerMessage = 1 << 20;
const maxInflightMessages = 256;
const maxInflightBytes = 8 << 20;
const maxUncommittedBytes = 64 << 20;

/**
 * Host of the Raft core: its log, its peers and its ticks, on the far side of a message port. One turn of
 * the event loop gathers whatever came (messages, proposals, finished writes); then `#run` drains the core.
 * Sending goes before writing, so that the leader's own sync overlaps those of its followers.
 */
export class ConsensusThread {
  readonly #port: Port<FromThread, ToThread>;
  readonly #options: ThreadOptions;
  readonly #parts: ThreadParts;
  readonly #log: RaftLog;
  readonly #raft: RaftServer;
  readonly #network: PeerTransport;
  readonly #membership: ThreadMembership;
  /** Fault injection on the log's disk. */
  readonly #setDiskFault: ((fault: DiskFault) => void) | undefined;
  readonly #fsync = new Histogram(fsyncBucketsSeconds);
  readonly #times: EntryTimes | undefined;
  readonly #delay = new Histogram(fsyncBucketsSeconds);
  #tickedAtMs: number | undefined;
  #scheduled = false;
  /** Committed, and not yet with the main thread. */
  #waiting: readonly Entry[] = [];
  /** Last index that the main thread was given, and last that it has applied. */
  #handedOut = 0;
  #appliedIndex = 0;
  #stopped = false;
  #soft: SoftState;
  readonly #clients: ClientGathering;
  #ticker: CancelTimer | undefined;
  #reporter: CancelTimer | undefined;
  /** Where a received snapshot lies until the core has taken it. */
  readonly #received = new Map<number, string>();

  /** Opens the log; throws DataDirectoryError when it cannot be served from. */
  constructor(port: Port<FromThread, ToThread>, options: ThreadOptions, parts: ThreadParts = realParts) {
    this.#port = port;
    this.#options = options;
    this.#times = options.traced === true ? new EntryTimes() : undefined;
    this.#parts = parts;
    const faulty = options.diskFault && faultyDisk(parts.disk, parts.clock);
    this.#setDiskFault = faulty?.set;
    faulty?.set(options.diskFault ?? {});
    this.#log = new RaftLog({
      environment: faulty === undefined ? parts : { ...parts, disk: faulty.disk },
      directory: options.logDirectory,
      clusterId: options.clusterId,
      memberId: options.memberId,
      initialConfiguration: options.joined
        ? configurationOfVoters([])
        : initialConfiguration(options.members),
      restored: options.restored,
      ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
      ...(options.logKeepBytes === undefined ? {} : { keepBytes: options.logKeepBytes }),
      onFatal: (error) => this.#fatal(error),
      onSync: (seconds) => this.#fsync.observe(seconds),
      onWarning: (message) => this.#warn(message),
      onTorn: (at) =>
        this.#warn(`cut a write that a crash had interrupted from the log, at byte ${at} of its last file`),
    });
    this.#raft = parts.createRaft({
      id: asMemberId(options.memberId),
      log: this.#log,
      applied: options.restored?.index ?? asLogIndex(0),
      electionTicks: options.electionTicks,
      heartbeatTicks: options.heartbeatTicks,
      random: () => parts.random.random(),
      maxBytesPerMessage,
      maxInflightMessages,
      maxInflightBytes,
      maxUncommittedBytes,
    });
    this.#soft = this.#raft.status().softState;
    this.#network = this.#createNetwork();
    this.#clients = new ClientGathering(parts.clock, (message) => this.#post(message));
    this.#membership = new ThreadMembership({
      memberId: asMemberId(options.memberId),
      addresses: options.addresses,
      clock: parts.clock,
      raft: this.#raft,
      network: this.#network,
      post: (message) => this.#post(message),
      onRemoved: (reason) => this.#leave(reason),
    });
    port.on('message', (message) => this.#guard(() => this.#receive(message)));
  }

  #createNetwork(): PeerTransport {
    const snapshotFile = (index: number, term: number): string | undefined => {
      const path = snapshotPath(this.#options.snapshotDirectory, { index, term });
      return this.#parts.disk.existsSync(path) ? path : undefined;
    };
    return this.#parts.createTransport(
      { ...this.#options, snapshotFile },
      {
        messages: (messages) => this.#input(() => messages.forEach((message) => this.#raft.step(message))),
        proposals: (from, proposals) => this.#guard(() => this.#takeForwarded(from, proposals)),
        refused: (numbers) => this.#post({ kind: 'refused', numbers, reason: 'notLeader' }),
        transfer: (to) => this.#guard(() => this.#transfer(to, false)),
        snapshot: (path, announcement) => this.#takeSnapshot(path, announcement),
        connectionLost: (peer) => this.#loseConnection(peer),
        unreachable: (peer) => this.#input(() => this.#raft.unreachable(asMemberId(peer))),
        memberChange: (from, number, change) =>
          this.#input(() => this.#membership.asked(from, number, change)),
        memberChangeOutcome: (number, outcome) => this.#membership.answered(number, outcome),
        removed: (reason) => this.#leave(reason),
        snapshotSent: (peer, ok) => this.#input(() => this.#raft.snapshotSent(asMemberId(peer), ok)),
        client: (connection, body) => this.#clients.take({ connection, body: new Uint8Array(body) }),
        warning: (message) => this.#warn(message),
      },
    );
  }

  /** Opens the peer port and starts the clock. Throws when the port cannot be had. */
  async start(): Promise<void> {
    const { clock } = this.#parts;
    await this.#network.start();
    this.#ticker = clock.every(this.#options.tickMs, () => clock.soon(() => this.#tick()));
    this.#reporter = clock.every(reportEveryMs, () => this.#report());
    this.#post({ kind: 'started' });
    this.#report();
    this.#schedule();
  }

  /**
   * A timer that fires late fires once. It runs behind setImmediate, that is after whatever input was
   * waiting: a heartbeat that lay in the socket is heard before a campaign.
   */
  #tick(): void {
    const nowMs = this.#parts.clock.now();
    const lateMs = nowMs - (this.#tickedAtMs ?? nowMs) - this.#options.tickMs;
    if (this.#tickedAtMs !== undefined) this.#delay.observe(Math.max(0, lateMs) / 1_000);
    this.#tickedAtMs = nowMs;
    this.#input(() => this.#raft.tick());
  }

  /**
   * The first voter by id campaigns at once when its leader's connection closes, but whoever has not seen
   * that yet still stands by the leader and refuses: that one gives the others a moment to see it too.
   */
  #loseConnection(peer: number): void {
    const others = this.#membership.voters.filter((id) => id !== peer);
    const lose = (): void => this.#input(() => this.#raft.connectionLost(asMemberId(peer)));
    if (this.#options.memberId === Math.min(...others)) this.#parts.clock.after(firstCampaignDelayMs, lose);
    else lose();
  }

  #input(step: () => void): void {
    if (this.#stopped) return;
    // Caught here: a failed invariant must stop the replica, not just the connection that brought the message.
    this.#guard(step);
    this.#schedule();
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#parts.clock.soon(() => {
      this.#scheduled = false;
      this.#guard(() => this.#run());
    });
  }

  #run(): void {
    while (!this.#stopped) {
      const ready = this.#raft.ready();
      if (ready === undefined) break;
      this.#take(ready);
    }
    this.#network.flush();
  }

  #take(ready: Ready): void {
    for (const message of ready.messages) this.#network.send(message);
    if (ready.append !== undefined) {
      this.#membership.seen(ready.append.entries);
      this.#network.flush();
      this.#append(ready.append);
    }
    if (ready.softState !== undefined) this.#takeSoftState(ready.softState);
    if (ready.committed.length > 0) this.#handOut(ready.committed);
    for (const { context, index } of ready.readStates) this.#post({ kind: 'read', context, index });
    for (const context of ready.droppedReads) this.#post({ kind: 'readDropped', context });
  }

  #append(work: NonNullable<Ready['append']>): void {
    this.#times?.appended(work.entries);
    this.#log.append(work, () => {
      this.#times?.synced(work.entries);
      if (work.snapshot !== undefined) {
        const { index } = work.snapshot;
        const path =
          this.#received.get(index) ?? snapshotPath(this.#options.snapshotDirectory, work.snapshot);
        this.#received.clear();
        // What waits is part of the snapshot.
        this.#waiting = [];
        this.#times?.clear();
        this.#post({ kind: 'install', path, snapshot: work.snapshot });
      }
      this.#input(() => {
        this.#raft.appended(work.sequence);
        if (work.snapshot !== undefined) this.#membership.applied(work.snapshot.index, true);
      });
    });
  }

  #takeSoftState(soft: SoftState): void {
    this.#soft = soft;
    this.#post({ kind: 'leadership', role: soft.role, leader: soft.leader, term: soft.term });
    this.#report();
  }

  /**
   * One batch is with the main thread at a time: while it is busy with the API, what is committed gathers here, so
   * that a crossing costs less the more there is to do. The core bounds what it hands out before it is applied.
   */
  #handOut(entries: readonly Entry[]): void {
    this.#membership.seen(entries);
    this.#times?.committed(entries);
    if (this.#waiting.length === 0) this.#waiting = entries;
    else this.#waiting = [...this.#waiting, ...entries];
    this.#postWaiting();
  }

  #postWaiting(): void {
    const last = this.#waiting.at(-1);
    if (last === undefined || this.#handedOut > this.#appliedIndex) return;
    this.#handedOut = last.index;
    const entries = this.#waiting;
    this.#waiting = [];
    const batch = packCommitted(entries, this.#times?.take(entries));
    this.#post(batch, [batch.table.buffer as ArrayBuffer, batch.data]);
  }

  #takeApplied(index: number): void {
    this.#appliedIndex = index;
    this.#postWaiting();
    this.#input(() => {
      this.#raft.applied(asLogIndex(index));
      this.#membership.applied(index);
    });
  }

  #receive(message: ToThread): void {
    switch (message.kind) {
      case 'propose':
        return this.#takeProposals(message);
      case 'read':
        return this.#read(message.context);
      case 'applied':
        return this.#takeApplied(message.index);
      case 'compacted':
        return this.#log.compacted(message.snapshot, asLogIndex(message.releaseIndex));
      case 'transfer':
        return this.#transfer(message.to, true);
      case 'changeMembers':
        return this.#input(() => this.#membership.ask(message.number, message.change));
      case 'cut':
        return this.#network.cut({
          outgoing: new Set(message.outgoing),
          incoming: new Set(message.incoming),
        });
      case 'diskFault':
        this.#setDiskFault?.(message.fault);
        return this.#post({ kind: 'diskFaultSet' });
      case 'clientAnswers':
        for (const { connection, body } of message.answers) this.#network.answerClient?.(connection, body);
        return this.#clients.answered();
      case 'tls':
        return this.#network.reload?.(message.tls);
      case 'stop':
        return void this.#stop();
    }
  }

  #takeProposals(batch: ProposeBatch): void {
    const { taken, fenced } = unpackProposals(batch, (term) => this.#leadsIn(term));
    if (fenced.length > 0) this.#refuse(fenced, 'fenced');
    if (taken.length > 0) this.#propose(taken);
  }

  /**
   * Asks the core: `#soft` is as old as the last drain, and what the core refuses after it stepped down would be
   * forwarded to the new leader, which knows nothing of the term it was meant for.
   */
  #leadsIn(term: number): boolean {
    const { softState } = this.#raft.status();
    return softState.role === 'leader' && softState.term === term;
  }

  #propose(proposals: readonly ForwardedProposal[]): void {
    const outcome = this.#raft.propose(proposals.map(({ data }) => data));
    this.#schedule();
    if (!('code' in outcome)) return;
    const numbers = proposals.map(({ number }) => number);
    if (outcome.code === 'ProposalDropped') return this.#refuse(numbers, 'busy');
    if (outcome.leader === noMember || !this.#network.forward(outcome.leader, proposals)) {
      this.#refuse(numbers, 'notLeader');
    }
  }

  #takeForwarded(from: number, proposals: readonly ForwardedProposal[]): void {
    if (this.#stopped) return;
    const outcome = this.#raft.propose(proposals.map(({ data }) => data));
    if ('code' in outcome) {
      this.#network.refuse(
        from,
        proposals.map(({ number }) => number),
      );
    }
    this.#schedule();
  }

  #refuse(numbers: readonly number[], reason: RefusalReason): void {
    this.#post({ kind: 'refused', numbers, reason });
  }

  #read(context: number): void {
    if (this.#raft.readIndex(context) !== undefined) this.#post({ kind: 'readDropped', context });
    this.#schedule();
  }

  /** `to` 0 takes the follower that holds most of the log. */
  #transfer(to: number, mayForward: boolean): void {
    const { leader, role } = this.#soft;
    if (role !== 'leader') {
      if (mayForward && leader !== noMember) this.#network.askTransfer(leader, to);
      return;
    }
    const target = to === 0 ? this.#mostCaughtUp() : asMemberId(to);
    if (target === noMember) return;
    const refusal: Refusal | undefined = this.#raft.transferLeadership(target);
    if (refusal !== undefined) this.#warn(`leadership was not handed to member ${target}: ${refusal.code}`);
    this.#schedule();
  }

  #mostCaughtUp(): MemberId {
    const { progress } = this.#raft.status();
    const candidates = progress.filter(({ id }) => this.#membership.voters.includes(id));
    candidates.sort(
      (a, b) => Number(b.recentlyActive) - Number(a.recentlyActive) || b.matchIndex - a.matchIndex,
    );
    return candidates[0]?.id ?? noMember;
  }

  #takeSnapshot(path: string, announcement: Message): void {
    const { snapshot } = announcement;
    // A second copy of a file that was dropped below may have been dropped with it: the leader sends another.
    if (this.#stopped || snapshot === undefined || !this.#parts.disk.existsSync(path)) return;
    this.#received.set(snapshot.index, path);
    this.#input(() => {
      this.#raft.step(announcement);
      // A core that took it, or had no need of it, is committed that far. One that has heard of a later term did not
      // heed the message: then the file must not be what the next start restores.
      if (this.#raft.status().commitIndex >= snapshot.index) return;
      this.#received.delete(snapshot.index);
      this.#parts.disk.unlinkSync(path);
      syncDirectory(this.#options.snapshotDirectory, this.#parts.disk);
    });
  }

  #report(): void {
    const { commitIndex, lastIndex, progress } = this.#raft.status();
    this.#post({
      kind: 'report',
      report: {
        commitIndex,
        lastIndex,
        followers: progress.map(({ recentlyActive, ...known }) => ({ ...known, active: recentlyActive })),
        walFsyncSeconds: this.#fsync.snapshot(),
        threadDelaySeconds: this.#delay.snapshot(),
        logMemoryBytes: this.#log.memoryBytes,
        peers: this.#network.metrics(),
      },
    });
  }

  #post(message: FromThread, transfer?: readonly ArrayBuffer[]): void {
    this.#port.postMessage(message, transfer);
  }

  #warn(message: string): void {
    this.#post({ kind: 'warning', message });
  }

  #halt(): void {
    this.#stopped = true;
    this.#membership.stop();
    this.#ticker?.();
    this.#reporter?.();
  }

  #fatal(error: Error): void {
    if (this.#stopped) return;
    this.#halt();
    this.#post({ kind: 'fatal', message: error.message });
    void this.#network.close();
  }

  async #stop(): Promise<void> {
    this.#halt();
    await this.#close();
    this.#post({ kind: 'stopped' });
  }

  async #close(): Promise<void> {
    await this.#network.close();
    await this.#log.close();
  }

  /** This member was removed from the cluster. */
  #leave(reason: string): void {
    if (this.#stopped) return;
    this.#halt();
    this.#post({ kind: 'removed', reason });
    void this.#close();
  }
}
