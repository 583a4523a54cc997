import { checkLinearizable, checkRevisionOrder, checkWatch } from '#libs/history';
import { Coverage } from './coverage.js';
import { Nemesis } from './nemesis.js';
import { Network } from './network.js';
import { Observer } from './observer.js';
import { drawScenario } from './options.js';
import type { RunOptions, Scenario } from './options.js';
import { Stream } from './random.js';
import { Server } from './server.js';
import type { Group, StartThread } from './server.js';
import { Simulator } from './simulator.js';
import type { Violation } from './simulator.js';
import { Watchers } from './watchers.js';
import { Workload } from './workload.js';

/** What a run came to. */
export interface RunResult {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly violation: Violation | undefined;
  /** Equal for equal seeds and options, on every machine. */
  readonly traceHash: number;
  readonly events: number;
  readonly simulatedMs: number;
  readonly faults: number;
  readonly elections: number;
  readonly committed: number;
  readonly operations: number;
  readonly answered: number;
  readonly reads: number;
  readonly watchEvents: number;
  /** Keys whose history was too tangled to be judged within the bound. */
  readonly undecided: number;
  readonly coverage: ReadonlyMap<string, number>;
  /** The last lines of the account, when it was asked for. */
  readonly story: readonly string[];
}

/** Simulated time in which the group must have a leader and agree, once all faults have ended. */
const convergenceMs = 20_000;
const convergenceEvents = 150_000;

/** Runs one group under one seed. Not from within a promise reaction (see microtasks.ts). */
export function run(options: RunOptions, startThread: StartThread): RunResult {
  return new Run(options, startThread).go();
}

class Run {
  private readonly simulator: Simulator;
  private readonly scenario: Scenario;
  private readonly observer: Observer;
  private readonly network: Network;
  private readonly coverage = new Coverage();
  private readonly servers: Server[] = [];
  private readonly nemesis: Nemesis;
  private readonly workload: Workload;
  private readonly watchers: Watchers;

  constructor(
    private readonly options: RunOptions,
    startThread: StartThread,
  ) {
    const { seed } = options;
    const simulator = (this.simulator = new Simulator(options.tell === true));
    const scenario = (this.scenario = drawScenario(seed));
    const observer = (this.observer = new Observer(simulator));
    const network = (this.network = new Network(
      simulator,
      new Stream(seed, 'network'),
      this.coverage,
      scenario.networkDelayMs,
    ));
    const lost = (server: Server): void => {
      this.workload.lost(server);
      this.watchers.lost(server);
    };
    const group: Group = { seed, scenario, simulator, network, observer, startThread, lost };
    for (let id = 1; id <= scenario.servers; id += 1) this.servers.push(new Server(id, group));
    const enlist = (id: number): void => {
      const server = new Server(id, group, true);
      this.servers.push(server);
      this.workload.control(server);
      server.start();
    };
    const { servers, coverage } = this;
    this.nemesis = new Nemesis({
      seed,
      simulator,
      scenario,
      servers,
      network,
      observer,
      coverage,
      skip: new Set(options.skip),
      enlist,
    });
    this.workload = new Workload(simulator, scenario, servers, seed);
    this.watchers = new Watchers(simulator, servers, seed, 3);
  }

  go(): RunResult {
    for (const server of this.servers) server.start();
    this.workload.start();
    this.nemesis.start();
    this.runUntil(() => this.simulator.count >= this.options.events);
    this.simulator.note(() => 'all faults end');
    this.nemesis.heal();
    this.endure();
    this.converge();
    if (this.simulator.violation === undefined) this.checkHistories();
    return this.result();
  }

  /** With some links cut for good, a majority that is whole must go on: with a leader, in peace, and with answers. */
  private endure(): void {
    const { simulator, scenario, workload, observer, network } = this;
    const { lastCut, tickMs, electionTicks } = scenario;
    if (lastCut === 'none' || scenario.servers < 3) return;
    const electionMs = tickMs * electionTicks;
    const endAt = simulator.now + convergenceMs;
    // What was asked for before goes on for a while: an end in order, a transfer of leadership.
    const settledAt = simulator.now + 4 * electionMs;
    const settled = (): boolean => simulator.now > settledAt && this.agree();
    this.runUntil(() => simulator.now > endAt || settled());
    const leader = this.servers.find(({ replica }) => replica?.leadership.isLeader === true);
    if (leader?.state !== 'up') return;
    const { voters } = this.observer.configurations;
    const others = this.living().filter(
      ({ id }) => id !== leader.id && (voters === undefined || voters.includes(id)),
    );
    const [follower] = others;
    if (follower === undefined || others.length * 2 < (voters?.length ?? scenario.servers) + 1) return;
    const cut = (from: readonly Server[], to: readonly Server[], is: boolean): void => {
      for (const a of from) for (const b of to) if (a !== b) network.link(a.id, b.id).cut = is;
    };
    const shapes = {
      'deaf leader': (is: boolean) => cut(this.servers, [leader], is),
      'mute leader': (is: boolean) => cut([leader], this.servers, is),
      'deaf follower': (is: boolean) => cut([leader], [follower], is),
      'follower cut off': (is: boolean) => {
        cut([follower], this.servers, is);
        cut(this.servers, [follower], is);
      },
    };
    simulator.note(() => `${lastCut}: leader ${leader.name}, follower ${follower.name}`);
    const elections = observer.elections;
    const votersBefore = String(voters);
    // A change that was asked for before the cut may leave too few on this side of it.
    const changed = (): boolean => String(observer.configurations.voters) !== votersBefore;
    // Whoever is behind can depose nobody: so that it could, nothing is written meanwhile.
    workload.resting = lastCut === 'deaf follower';
    if (workload.resting)
      this.runUntil(() => simulator.now > endAt || (workload.calls.size === 0 && this.agree()));
    shapes[lastCut](true);
    const untilAt = simulator.now + 8 * electionMs;
    const goal = workload.answered + 5;
    const lateAt = simulator.now + convergenceMs;
    this.runUntil(() => simulator.now > untilAt);
    workload.resting = false;
    this.runUntil(() => simulator.now > lateAt || workload.answered >= goal);
    if (simulator.violation === undefined && workload.answered < goal && !changed())
      simulator.fail(
        `${lastCut}: only ${workload.answered - goal + 5} answers in ${convergenceMs} ms. ${this.describe()}`,
      );
    shapes[lastCut](false);
    if (!lastCut.includes('follower')) return;
    const calmAt = simulator.now + 4 * electionMs;
    this.runUntil(() => simulator.now > calmAt);
    if (observer.elections > elections && !changed())
      simulator.fail(
        `${lastCut}: ${follower.name} deposed a healthy leader, ${leader.name}. ${this.describe()}`,
      );
  }

  private runUntil(done: () => boolean): void {
    const { simulator } = this;
    while (simulator.violation === undefined && !done() && simulator.step());
  }

  /** A leader, answered writes, and the same state everywhere, in bounded time. */
  private converge(): void {
    const { simulator, workload, observer } = this;
    const endAt = simulator.now + convergenceMs;
    const endCount = simulator.count + convergenceEvents;
    const late = (): boolean => simulator.now > endAt || simulator.count > endCount;
    const goal = workload.answered + 5;
    this.runUntil(() => late() || workload.answered >= goal);
    workload.stop();
    this.runUntil(() => late() || (workload.calls.size === 0 && this.agree()));
    if (simulator.violation !== undefined) return;
    if (workload.answered < goal)
      return simulator.fail(
        `no convergence: only ${workload.answered - goal + 5} answers since all faults ended. ${this.describe()}`,
      );
    if (!this.agree()) return simulator.fail(`no convergence: ${this.describe()}`);
    // What is applied is with the watchers after a progress notice at most.
    const quietAt = simulator.now + 1_500;
    const { revision } = observer.reference.store;
    this.runUntil(() => simulator.now > quietAt);
    this.watchers.settle(revision, this.living());
  }

  private living(): Server[] {
    const { members } = this.observer.configurations;
    const belongs = (id: number): boolean => members === undefined || members.includes(id);
    return this.servers.filter(({ id, state, forgetful }) => state !== 'halted' && !forgetful && belongs(id));
  }

  private agree(): boolean {
    const { length } = this.observer.history;
    const living = this.living();
    return (
      living.every(({ replica }) => replica?.appliedState().index === length) &&
      this.servers.filter(({ replica }) => replica?.leadership.isLeader === true).length === 1
    );
  }

  private describe(): string {
    const lines = this.servers.map(({ id, name, state, replica }) => {
      const raft = this.observer.of(id).raft?.status();
      if (replica === undefined || raft === undefined) return `${name} ${state}`;
      const { softState, configuration, commitIndex, lastIndex } = raft;
      const { voters, votersOutgoing } = configuration;
      const by = `[${voters.join()}]${votersOutgoing.length > 0 ? ` and [${votersOutgoing.join()}]` : ''}`;
      return `${name} ${state}, ${softState.role} of term ${softState.term}, leader ${softState.leader}, log to ${lastIndex}, committed ${commitIndex}, applied ${replica.appliedState().index}, voters ${by}`;
    });
    return `${lines.join('; ')}; committed ${this.observer.history.length}`;
  }

  private checkHistories(): void {
    const { simulator, workload, watchers, observer } = this;
    observer.reference.checkBackup();
    const report = checkLinearizable(workload.history, { budget: 200_000 });
    this.undecided = report.undecidedKeys.length;
    const [violation] = report.violations;
    if (violation !== undefined) return simulator.fail(`not linearizable:\n${violation.story}`);
    const [disorder] = checkRevisionOrder(workload.history);
    if (disorder !== undefined) return simulator.fail(`revisions out of order: ${JSON.stringify(disorder)}`);
    const [fault] = checkWatch(watchers.results(), {
      committed: observer.reference.changes,
      exhaustive: true,
    });
    if (fault !== undefined) simulator.fail(`a watch was served wrongly: ${JSON.stringify(fault)}`);
  }

  private undecided = 0;

  private result(): RunResult {
    const { simulator, observer, workload, watchers } = this;
    return {
      seed: this.options.seed,
      scenario: this.scenario,
      violation: simulator.violation,
      traceHash: simulator.traceHash,
      events: simulator.count,
      simulatedMs: simulator.now,
      faults: this.nemesis.count,
      elections: observer.elections,
      committed: observer.history.length,
      operations: workload.history.length,
      answered: workload.answered,
      reads: observer.reads,
      watchEvents: watchers.results().reduce((sum, { items }) => sum + items.length, 0),
      undecided: this.undecided,
      coverage: this.coverage.counts,
      story: simulator.story(),
    };
  }
}
