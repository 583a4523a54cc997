import { damageLog, damageSnapshot, loseNewestRecord } from './damage.js';
import { LeftBehind } from './left-behind.js';
import { MembershipFaults } from './membership-faults.js';
import type { NemesisParts, Striker } from './nemesis-parts.js';
import { Stream } from './random.js';
import type { Server } from './server.js';

/** What goes wrong, and when. Everything it does ends by itself or with `heal`. */
export class Nemesis implements Striker {
  /** Faults so far. */
  count = 0;
  /** Of the fault that strikes: each has its own, so that leaving one out changes no other. */
  random: Stream;
  private readonly times: Stream;
  private readonly sorts: readonly { readonly weight: number; readonly strike: () => void }[];
  private readonly leftBehind: LeftBehind;
  private stopped = false;

  constructor(private readonly parts: NemesisParts) {
    this.times = new Stream(parts.seed, 'nemesis');
    this.random = this.times;
    const { weights } = parts.scenario;
    const members = new MembershipFaults(this, parts);
    this.leftBehind = new LeftBehind(this, parts);
    this.sorts = [
      { weight: weights.network, strike: () => this.network() },
      { weight: weights.process, strike: () => this.process() },
      { weight: weights.power, strike: () => this.power() },
      { weight: weights.disk, strike: () => this.disk() },
      { weight: weights.clock, strike: () => this.clock() },
      { weight: weights.members, strike: () => members.strike() },
    ];
  }

  start(): void {
    const { simulator, scenario, seed, skip } = this.parts;
    simulator.after(this.times.around(scenario.faultEveryMs), 'fault', undefined, () => {
      if (this.stopped) return;
      if (this.leftBehind.holds) return this.start();
      this.count += 1;
      this.random = new Stream(seed, `fault ${this.count}`);
      if (!skip.has(this.count)) this.strike();
      this.start();
    });
  }

  private strike(): void {
    const total = this.sorts.reduce((sum, { weight }) => sum + weight, 0);
    let at = this.random.between(0, total);
    for (const { weight, strike } of this.sorts) {
      at -= weight;
      if (at < 0) return strike();
    }
  }

  /** Ends all faults: links and clocks are right, threads go on, machines start. */
  heal(): void {
    this.stopped = true;
    const { network, servers } = this.parts;
    network.heal();
    for (const server of servers) this.relieve(server);
  }

  private relieve(server: Server): void {
    server.skew.runAt(1, this.parts.simulator.now);
    server.disk.fault = () => undefined;
    server.disk.latencyMs = this.parts.scenario.diskLatencyMs;
    server.pause('both', false);
    server.start();
  }

  until(meanMs: number, end: () => void): void {
    this.after(this.random.around(meanMs), end);
  }

  after(ms: number, then: () => void): void {
    this.parts.simulator.after(ms, 'fault', undefined, () => {
      if (!this.stopped) then();
    });
  }

  note(line: string): void {
    this.parts.simulator.note(() => `FAULT ${line}`);
  }

  private someServer(): Server {
    return this.random.pick(this.parts.servers);
  }

  private up(): Server | undefined {
    const up = this.parts.servers.filter(({ state }) => state === 'up');
    return up.length === 0 ? undefined : this.random.pick(up);
  }

  leader(): Server | undefined {
    return this.parts.servers.find(({ replica }) => replica?.leadership.isLeader === true);
  }

  /** Leaders are where faults hurt. */
  victim(): Server | undefined {
    return this.random.chance(0.5) ? (this.leader() ?? this.up()) : this.up();
  }

  private network(): void {
    const { network, servers, coverage, scenario } = this.parts;
    const { random } = this;
    const dice = random.int(0, 9);
    if (dice < 3) {
      const worse = { ...network.calm };
      if (random.chance(0.6)) worse.lossRate = random.between(0.01, 0.3);
      if (random.chance(0.5)) worse.doubleRate = random.between(0.01, 0.3);
      if (random.chance(0.5)) worse.reorderRate = random.between(0.01, 0.5);
      if (random.chance(0.3)) {
        worse.meanDelayMs = network.calm.meanDelayMs * random.between(3, 50);
        coverage.hit('network: delays grow');
      }
      this.note(`weather ${JSON.stringify(worse)}`);
      network.weather = worse;
      return this.until(500, () => (network.weather = network.calm));
    }
    const ids = servers.map(({ id }) => id);
    if (ids.length < 2) return;
    const a = this.random.chance(0.5) ? (this.leader()?.id ?? random.pick(ids)) : random.pick(ids);
    const b = random.pick(ids.filter((id) => id !== a));
    const cutMs = scenario.tickMs * scenario.electionTicks * 3;
    switch (dice) {
      case 3:
        coverage.hit('network: server cut off');
        return this.cut(
          ids.filter((id) => id !== a).flatMap((id) => [[a, id] as const, [id, a] as const]),
          cutMs,
        );
      case 4:
        coverage.hit('network: link cut one way');
        return this.cut(
          random.chance(0.5) ? [[a, b]] : ids.filter((id) => id !== a).map((id) => [a, id] as const),
          cutMs,
        );
      case 5: {
        coverage.hit('network: group split');
        const left = new Set(ids.filter(() => random.chance(0.5)));
        const pairs = ids.flatMap((x) => ids.map((y) => [x, y] as const));
        return this.cut(
          pairs.filter(([x, y]) => left.has(x) !== left.has(y)),
          cutMs,
        );
      }
      case 6:
      case 7: {
        coverage.hit('network: link clogged');
        this.note(`link ${a}>${b} is clogged`);
        const link = network.link(a, b);
        link.clogged = true;
        return this.until(cutMs, () => network.unclog(link));
      }
      default:
        this.note(`connection ${a}-${b} is reset`);
        return network.reset(a, b);
    }
  }

  private cut(links: readonly (readonly [number, number])[], forMs: number): void {
    const { network } = this.parts;
    this.note(`cut ${links.map(([from, to]) => `${from}>${to}`).join(' ')}`);
    for (const [from, to] of links) network.link(from, to).cut = true;
    this.until(forMs, () => {
      for (const [from, to] of links) network.link(from, to).cut = false;
    });
  }

  private process(): void {
    const { coverage, servers, scenario } = this.parts;
    const { random } = this;
    const victim = this.victim();
    if (victim === undefined) return;
    const longMs = scenario.tickMs * scenario.electionTicks * 2;
    switch (random.int(0, 9)) {
      case 0:
      case 1:
        coverage.hit('process: killed');
        this.note(`${victim.name} is killed`);
        victim.crash(false);
        return this.restart(victim);
      case 2:
        if (!random.chance(0.3)) return;
        coverage.hit('process: all killed');
        this.note('all are killed');
        for (const server of servers) {
          if (server.state === 'halted' || server.state === 'down') continue;
          server.crash(false);
          this.restart(server);
        }
        return;
      case 3:
        coverage.hit('process: stopped in order');
        this.note(`${victim.name} is stopped in order`);
        return victim.stop(() => this.restart(victim));
      case 4:
      case 5:
        coverage.hit('process: paused');
        return this.pause(victim, 'both', longMs);
      case 6:
        coverage.hit('process: main thread stalls');
        if (random.chance(0.5)) return this.pause(victim, 'main', longMs);
        return this.leftBehind.strike(longMs * 4);
      case 7:
        coverage.hit('process: consensus thread stalls');
        return this.pause(victim, 'consensus', longMs);
      default: {
        const leader = this.leader();
        if (leader === undefined) return;
        coverage.hit('process: leadership transferred');
        const to = this.someServer();
        this.note(`leadership is to move to ${to.name}`);
        leader.replica?.transferLeadership(random.chance(0.5) ? to.name : undefined).catch(() => undefined);
        // Who is to take over may not hear of it.
        if (!random.chance(0.4) || to === leader) return;
        coverage.hit('process: transfer not heard of');
        this.cut([[leader.id, to.id]], longMs * 2);
      }
    }
  }

  pause(server: Server, which: 'main' | 'consensus' | 'both', meanMs: number): void {
    this.note(`${server.name} is paused (${which})`);
    server.pause(which, true);
    this.until(meanMs, () => server.pause(which, false));
  }

  restart(server: Server): void {
    const mean = this.random.pick([5, 50, 600]);
    this.parts.simulator.after(this.random.around(mean), 'fault', undefined, () => server.start());
  }

  private power(): void {
    const { coverage, servers } = this.parts;
    const everywhere = this.random.chance(0.25);
    coverage.hit(everywhere ? 'power: lost everywhere' : 'power: lost');
    const victim = this.victim();
    const victims = everywhere ? servers : victim === undefined ? [] : [victim];
    for (const server of victims) {
      if (server.state === 'halted' || server.state === 'down') continue;
      const { torn, sectors, names } = server.crash(true);
      this.note(
        `${server.name} loses its power: ${torn} writes torn, ${sectors} sectors and ${names} names lost`,
      );
      coverage.hit('power: write torn', torn);
      coverage.hit('power: sectors lost', sectors);
      coverage.hit('power: names lost', names);
      this.restart(server);
    }
  }

  private disk(): void {
    const { coverage, scenario } = this.parts;
    const { random } = this;
    const victim = this.victim();
    if (victim === undefined) return;
    const { disk } = victim;
    switch (random.int(0, 7)) {
      case 0:
      case 1:
        coverage.hit('disk: slow');
        this.note(`the disk of ${victim.name} is slow`);
        disk.latencyMs = scenario.diskLatencyMs * random.pick([10, 50, 200]);
        return this.until(400, () => (disk.latencyMs = scenario.diskLatencyMs));
      case 2:
        return this.refuse(victim, 'EIO');
      case 3:
        return this.refuse(victim, 'ENOSPC');
      default:
        return this.damage(victim);
    }
  }

  private refuse(server: Server, code: 'EIO' | 'ENOSPC'): void {
    this.note(`the disk of ${server.name} answers ${code}`);
    const { disk } = server;
    disk.fault = (call) => {
      if (call === 'sync' && code === 'ENOSPC') return undefined;
      server.diskRefused = true;
      this.parts.coverage.hit(`disk: ${code} on write`);
      if (code === 'EIO') disk.fault = () => undefined;
      return code;
    };
    this.until(150, () => (disk.fault = () => undefined));
  }

  /**
   * Damage to what is on a disk, while its process is away. Only as much as the group can bear: a minority of disks, and
   * what a disk would forget without noticing must be on all others.
   */
  private damage(server: Server): void {
    const { servers, observer, coverage, scenario } = this.parts;
    // Who may be missed changes with the members: one sort of trouble at a time.
    if (scenario.weights.members > 0) return;
    const damaged = servers.filter((each) => (each.damaged || each.forgetful) && each !== server).length;
    const bearable = (damaged + 1) * 2 < servers.length;
    const { random } = this;
    const dice = random.int(0, 4);
    if (dice < 2) {
      const ids = servers.map(({ id }) => id);
      if (ids.length < 3 || servers.some((each) => each.damaged || each.forgetful)) return;
      if (!observer.spare(server.id, ids)) return;
      server.crash(false);
      if (loseNewestRecord(server.disk, random, dice === 0, observer.of(server.id))) {
        coverage.hit(dice === 0 ? 'disk: newest record of the log lost' : 'disk: misdirected write');
        this.note(`the newest record of ${server.name} is lost`);
        observer.of(server.id).mayHaveLost = true;
        server.forgetful = true;
      }
    } else if (dice === 2 || random.chance(0.3)) {
      if (!bearable || !random.chance(0.3)) return;
      server.crash(false);
      if (damageLog(server.disk, random)) {
        coverage.hit('disk: log damaged in the middle');
        this.note(`the log of ${server.name} is damaged`);
        server.damaged = true;
      }
    } else {
      if (!bearable) return;
      server.crash(false);
      if (damageSnapshot(server.disk, random)) {
        coverage.hit('disk: snapshot damaged');
        this.note(`the newest snapshot of ${server.name} is damaged`);
        server.damaged = true;
      }
    }
    this.restart(server);
  }

  private clock(): void {
    const { coverage, simulator } = this.parts;
    const { random } = this;
    const server = this.someServer();
    if (random.chance(0.5)) {
      coverage.hit('clock: runs fast or slow');
      server.skew.runAt(random.between(0.7, 1.4), simulator.now);
      this.note(`the clock of ${server.name} runs at ${server.skew.rate.toFixed(2)}`);
      return this.until(1_000, () => server.skew.runAt(1, simulator.now));
    }
    coverage.hit('clock: jumps');
    const jump = random.around(1_000);
    server.skew.jump(jump);
    this.note(`the clock of ${server.name} jumps by ${jump.toFixed(0)} ms`);
  }
}
