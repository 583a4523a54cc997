import type { KeyValue, RangeQuery, RangeResult, Revision } from '#libs/mvcc';
import type { SnapshotMetadata } from '#libs/raft';
import { takeBackup, type Backup } from '../backup/take-backup.js';
import type { DataDirectory } from '../data-dir/data-directory.js';
import type { ConsensusMetrics } from '../metrics.js';
import type { CancelTimer } from '../environment/clock.js';
import type { Environment } from '../environment/environment.js';
import type { DiskFault } from '../environment/faulty-disk.js';
import { StorageError } from '../storage.js';
import type {
  AlarmType,
  Leadership,
  StorageStatus,
  TxnOptions,
  TxnRequest,
  TxnResult,
  Watcher,
  WatchListener,
  WatchRequest,
} from '../storage.js';
import type { LaunchedThread } from '../thread/launch.js';
import { timesAt } from '../thread/entry-times.js';
import type { FromThread, ThreadReport, ToThread } from '../thread/protocol.js';
import type { PeerTls } from '../transport/handshake.js';
import { WatchHub } from '../watch-hub.js';
import { describeMetrics, describeStatus, type Observed } from './describe.js';
import { ClientPort } from './client-port.js';
import { ReplicaEtcdSpace } from './etcd-space.js';
import { housekeepingMs, keepHouse } from './housekeeping.js';
import { InjectedFaults } from './injected-faults.js';
import { LeaderChores } from './leader-chores.js';
import { LeadershipTracker } from './leadership.js';
import { LeaseCommands } from './lease-commands.js';
import { ReplicaMembers, firstConfiguration, noSuchMember, removedError } from './members.js';
import type { ResolvedOptions } from './options.js';
import type { ReplicaParts } from './parts.js';
import type { Replica } from './port.js';
import { Proposals, type Propose } from './proposals.js';
import { ReadBarrier } from './read-barrier.js';
import { Slices } from './slices.js';
import { Snapshotter } from './snapshotter.js';
import { mayPut, proposeTxn, rangeOf } from './kubernetes-space.js';
import { Safeguards } from './safeguards.js';
import type { ReplicaState } from './state.js';
import { transferAway } from './transfer.js';

const defaultTimeoutMs = 10_000;

/**
 * The main thread's half: holds the store, applies what the consensus thread hands over, answers callers.
 * `attach` joins it to the thread; nothing happens before.
 */
export class EmbeddedReplica implements Replica {
  readonly etcdSpace: ReplicaEtcdSpace;
  readonly members: ReplicaMembers;
  readonly #options: ResolvedOptions;
  readonly #environment: Environment;
  readonly #directory: DataDirectory;
  readonly #state: ReplicaState;
  readonly #proposals: Proposals;
  readonly #propose: Propose = (command, how) => this.#proposals.propose(command, how);
  readonly #barrier: ReadBarrier;
  readonly #leadership: LeadershipTracker;
  readonly #hub: WatchHub;
  readonly #snapshotter: Snapshotter;
  readonly #leaseCommands: LeaseCommands;
  readonly #chores: LeaderChores;
  readonly #safeguards: Safeguards;
  readonly #installing: Slices<FromThread>;
  readonly #clients: ClientPort;
  readonly #faults: InjectedFaults;
  #thread: LaunchedThread | undefined;
  #report: ThreadReport | undefined;
  #housekeeper: CancelTimer | undefined;
  /** A leader may be heard of before its name is. */
  #nameLeader: () => void = () => undefined;
  #closing: Promise<void> | undefined;
  #onStopped: (() => void) | undefined;

  constructor({ options, environment, directory, session, state, configuration }: ReplicaParts) {
    const { clock, random } = environment;
    this.#options = options;
    this.#environment = environment;
    this.#directory = directory;
    this.#state = state;
    this.members = new ReplicaMembers({
      configuration: configuration ?? firstConfiguration(directory),
      addresses: options.members,
      clock,
      ask: (number, change) => this.#post({ kind: 'changeMembers', number, change }),
      leader: () => this.#leadership.current.leader,
      transferAway: () => this.transferLeadership(),
    });
    this.#leadership = new LeadershipTracker(state.lastTerm);
    const onListenerError = (error: unknown): void =>
      options.onWarning(`a watcher threw and was closed: ${String(error)}`);
    this.#hub = new WatchHub(state.store, { onListenerError });
    this.#proposals = new Proposals({
      session,
      nextSession: () => random.randomInt(1, 2 ** 48 - 1),
      maxPending: options.maxPendingProposals,
      noLeaderPatienceMs: options.noLeaderPatienceMs,
      clock,
      trace: options.trace,
      send: (batch, transfer) => this.#post(batch, transfer),
    });
    this.#chores = new LeaderChores({ ...options, propose: this.#propose });
    this.#barrier = new ReadBarrier({
      request: (context) => this.#post({ kind: 'read', context }),
      appliedIndex: () => this.#state.store.appliedIndex,
      leaderlessMs: () => this.#proposals.leaderlessMs,
      noLeaderPatienceMs: options.noLeaderPatienceMs,
      clock,
      firstContext: random.randomInt(1, 2 ** 40) * 2 ** 10,
    });
    this.#leaseCommands = new LeaseCommands(
      (command) => this.#propose(command, { timeoutMs: defaultTimeoutMs }),
      random,
    );
    this.#installing = new Slices({
      clock,
      onError: (error) => this.#fatal(error),
      onReleased: (message) => this.receive(message),
    });
    this.#safeguards = new Safeguards({
      ...options,
      environment,
      directory: directory.logDirectory,
      voters: () => this.members.configuration.voters,
      store: () => this.#state.store,
      propose: this.#propose,
      onCorrupt: (error) => this.#stopServing(error),
    });
    this.etcdSpace = new ReplicaEtcdSpace({
      store: state.store,
      propose: this.#propose,
      barrier: () => this.barrier(),
      checkServing: () => this.#safeguards.checkServing(),
      checkQuota: () => this.#safeguards.checkQuota(),
      onListenerError,
      environment,
    });
    this.#faults = new InjectedFaults({
      diskFaults: options.diskFault !== undefined,
      idOf: (name) => this.members.idOf(name),
      post: (message) => this.#post(message),
    });
    this.#clients = new ClientPort({
      clock,
      propose: (command, bytes) => {
        this.#safeguards.checkWrite(mayPut(command));
        return this.#proposals.propose(command, { timeoutMs: defaultTimeoutMs, identified: bytes });
      },
      barrier: () => this.barrier(),
      get: (key) => this.get(key),
      answer: (answers) => this.#post({ kind: 'clientAnswers', answers }),
    });
    this.#snapshotter = new Snapshotter({
      environment,
      directory: directory.snapshotDirectory,
      everyBytes: options.snapshotBytes,
      everyEntries: options.snapshotEntries,
      onDurable: (snapshot, releaseIndex) => this.#post({ kind: 'compacted', snapshot, releaseIndex }),
      // Not fatal: the log still holds everything. A full disk will stop the log itself, with its own message.
      onError: (error) =>
        options.onWarning(`a snapshot could not be written, the log grows on: ${error.message}`),
    });
  }

  /** Takes over a thread that has started. Messages must come here from its first one on. */
  attach(thread: LaunchedThread): void {
    this.#thread = thread;
    const parts = {
      hub: this.#hub,
      etcdSpace: this.etcdSpace,
      safeguards: this.#safeguards,
      chores: this.#chores,
      transferTo: (to: number) => this.#post({ kind: 'transfer', to }),
    };
    this.#housekeeper = this.#environment.clock.every(housekeepingMs, () =>
      keepHouse(parts, this.#state.store, this.#leadership.current, this.#environment.clock.now()),
    );
  }

  #post(message: ToThread, transfer?: readonly ArrayBuffer[]): void {
    this.#thread?.port.postMessage(message, transfer);
  }

  /** A message of the consensus thread. */
  receive(message: FromThread): void {
    try {
      this.#take(message);
    } catch (error) {
      this.#fatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(message: FromThread): void {
    if ((message.kind === 'committed' || message.kind === 'install') && this.#installing.holds(message))
      return undefined;
    switch (message.kind) {
      case 'committed':
        return this.#apply(message);
      case 'refused':
        return this.#proposals.refused(message.numbers, message.reason);
      case 'read':
        return this.#barrier.answered(message.context, message.index);
      case 'readDropped':
        return this.#barrier.dropped(message.context);
      case 'leadership':
        return this.#changeLeadership(message.role === 'leader', message.leader, message.term);
      case 'install':
        return this.#install(message.path, message.snapshot);
      case 'memberChange':
        return this.members.answered(message.number, message.outcome);
      case 'clientRequests':
        return this.#clients.take(message.requests);
      case 'diskFaultSet':
        return this.#faults.diskFaultSet();
      case 'removed':
        return this.#fatal(removedError(this.#options.name, message.reason));
      case 'report':
        return void (this.#report = message.report);
      case 'warning':
        return this.#options.onWarning(message.message);
      case 'fatal':
        return this.#fatal(new Error(message.message));
      case 'stopped':
        return this.#onStopped?.();
      case 'started':
        return this.#proposals.started();
      case 'failed':
        return undefined;
    }
  }

  /** Watchers first, then callers: what a caller was answered is already on its way to every watcher. */
  #apply(batch: Extract<FromThread, { kind: 'committed' }>): void {
    const applied = this.#state.apply(batch);
    const { store } = this.#state;
    this.#post({ kind: 'applied', index: store.appliedIndex });
    this.members.applied(store.appliedIndex, applied.lastTerm, batch.configurations);
    if (batch.configurations.length > 0) this.#nameLeader();
    this.#safeguards.applied();
    this.#hub.deliver(applied.events, store.revision);
    this.etcdSpace.deliver(applied.etcdEvents);
    const { times } = batch;
    for (const { number, result, row } of applied.answers)
      this.#proposals.applied(number, result, times && timesAt(times, row));
    this.#proposals.termApplied(applied.lastTerm);
    this.#leadership.applied(applied.lastTerm);
    this.#barrier.applied();
    if (this.#snapshotter.note(applied.entries, applied.bytes, store.sizeBytes)) {
      void this.#snapshotter.take(this.#state.metadata(this.members.configuration), store.snapshot());
    }
  }

  /** The store serves as it was until the snapshot is whole; what was committed behind that waits for it. */
  #install(path: string, snapshot: SnapshotMetadata): void {
    this.#installing.run(this.#state.install(path, snapshot, this.#environment.disk), () => {
      this.#post({ kind: 'applied', index: snapshot.index });
      this.members.installed(snapshot.index, snapshot.configuration);
      this.#nameLeader();
      this.#safeguards.applied();
      this.#hub.replaceStore(this.#state.store);
      this.etcdSpace.replaceStore(this.#state.store);
      this.#proposals.installed(snapshot.term);
      this.#leadership.applied(snapshot.term);
      this.#barrier.applied();
    });
  }

  /** Watchers of a state that differs are sent elsewhere; what is asked from now on is refused. */
  #stopServing(error: StorageError): void {
    this.#hub.loseAll(error);
    this.etcdSpace.lose(error);
    this.#options.onWarning(error.message);
  }

  #changeLeadership(leads: boolean, leader: number, term: number): void {
    const before = this.#leadership.current;
    const name = this.members.nameOf(leader);
    this.#nameLeader = () => this.#leadership.observe(leads, term, this.members.nameOf(leader));
    this.#nameLeader();
    this.#proposals.leadershipChanged(leader !== 0, term);
    if (before.leader !== name || before.term !== term) {
      this.#chores.reset();
      this.etcdSpace.leadershipChanged();
      this.#barrier.leadershipChanged();
    }
  }

  get revision(): Revision {
    return this.#state.store.revision;
  }

  get compactRevision(): Revision {
    return this.#state.store.compactedRevision;
  }

  get(key: string): KeyValue | undefined {
    this.#safeguards.checkServing();
    return this.#state.store.get(key);
  }

  range(query: RangeQuery): RangeResult {
    this.#safeguards.checkServing();
    return rangeOf(this.#state.store, query);
  }

  async txn(request: TxnRequest, options: TxnOptions = {}): Promise<TxnResult> {
    this.#safeguards.checkWrite(mayPut(request));
    return await proposeTxn(this.#propose, request, options);
  }

  barrier(timeoutMs = defaultTimeoutMs): Promise<void> {
    return this.#barrier.wait(timeoutMs);
  }

  watch(request: WatchRequest, listener: WatchListener): Watcher {
    this.#safeguards.checkServing();
    return this.#hub.watch(request, listener);
  }

  grantLease(ttlSeconds: number): Promise<number> {
    return this.#leaseCommands.grant(ttlSeconds);
  }

  renewLease(lease: number): Promise<void> {
    return this.#leaseCommands.renew(lease);
  }

  revokeLease(lease: number): Promise<void> {
    return this.#leaseCommands.revoke(lease);
  }

  get leadership(): Leadership {
    return this.#leadership.current;
  }

  onLeadership(listener: (leadership: Leadership) => void): () => void {
    return this.#leadership.listen(listener);
  }

  transferLeadership(to?: string): Promise<void> {
    const target = this.members.idOf(to);
    if (target === undefined) return noSuchMember(to);
    if (to !== undefined && this.#leadership.current.leader === to) return Promise.resolve();
    return transferAway({
      clock: this.#environment.clock,
      leadership: this.#leadership.current,
      onLeadership: (listener) => this.onLeadership(listener),
      // Raft gives a transfer up after an election timeout; one election may follow it.
      patienceMs: this.#options.tickMs * this.#options.electionTicks * 4,
      request: () => this.#post({ kind: 'transfer', to: target }),
    });
  }

  reloadTls(tls: PeerTls): void {
    this.#post({ kind: 'tls', tls });
  }

  disarm(type: AlarmType, member?: string): Promise<void> {
    const id = this.members.idOf(member);
    return id === undefined ? noSuchMember(member) : this.#safeguards.disarm(type, id);
  }

  partition(members: readonly string[], direction: 'both' | 'in' | 'out'): void {
    this.#faults.partition(members, direction);
  }

  diskFault(fault: DiskFault): Promise<void> {
    return this.#faults.disk(fault);
  }

  backup(): Backup {
    this.#safeguards.checkServing();
    return takeBackup(this.#options, this.#state);
  }

  status(): StorageStatus {
    return describeStatus(this.#observed());
  }

  #observed(): Observed {
    return {
      options: this.#options,
      members: this.members.list(),
      store: this.#state.store,
      leadership: this.#leadership.current,
      leaderlessMs: this.#proposals.leaderlessMs,
      report: this.#report,
    };
  }

  appliedState(): { readonly index: number; readonly hash: number } {
    const { store } = this.#state;
    return { index: store.appliedIndex, hash: store.hash() };
  }

  get peerPort(): number {
    return this.#options.listen.port;
  }

  metrics(): ConsensusMetrics {
    return describeMetrics(this.#observed(), {
      leaderChanges: this.#leadership.changes,
      proposalsFailed: this.#proposals.failed,
      proposalsPending: this.#proposals.size,
      snapshotSeconds: this.#snapshotter.seconds.snapshot(),
      promotions: this.members.promotions,
      diskFreeBytes: this.#safeguards.diskFreeBytes,
    });
  }

  /** The thread ended without being asked to. */
  threadLost(error: Error): void {
    this.#fatal(error);
  }

  #fatal(error: Error): void {
    if (this.#closing !== undefined) return;
    this.#closing = this.#shutDown(false);
    this.#options.onFatal(error);
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown(true);
    return this.#closing;
  }

  async #shutDown(orderly: boolean): Promise<void> {
    this.#housekeeper?.();
    this.#installing.stop();
    this.#proposals.stop();
    this.#barrier.stop();
    this.#faults.stop();
    this.#hub.closeAll();
    this.etcdSpace.closeAll();
    if (orderly) {
      await this.#snapshotter.idle();
      await new Promise<void>((resolve) => {
        this.#onStopped = resolve;
        this.#post({ kind: 'stop' });
      });
    }
    await this.#thread?.end();
    this.#directory.release();
  }
}
