import type { NemesisParts, Striker } from './nemesis-parts.js';
import type { Server } from './server.js';

/** Entries that a stalled main thread has not applied: some are with it, the rest wait on the consensus thread. */
const waitingEntries = 4;

/**
 * A member's main thread stalls with committed work before it, and the others go on without that member until only a snapshot
 * can bring it up to date: what it gets then meets what still waits. No other fault strikes meanwhile.
 */
export class LeftBehind {
  /** One is under way. */
  holds = false;

  constructor(
    private readonly striker: Striker,
    private readonly parts: NemesisParts,
  ) {}

  strike(limitMs: number): void {
    const { servers, network, coverage } = this.parts;
    const leader = this.striker.leader();
    const able = servers.filter((each) => each !== leader && each.state === 'up');
    if (leader === undefined || able.length === 0) return;
    const server = this.striker.random.pick(able);
    const links = servers.filter((each) => each !== server).map((each) => network.link(each.id, server.id));
    this.striker.note(`${server.name} stalls (main) and is left behind`);
    this.holds = true;
    server.pause('main', true);
    this.once(
      limitMs,
      () => this.lag(server) >= waitingEntries,
      () => {
        for (const link of links) link.cut = true;
        this.once(
          limitMs * 10,
          () => this.isBeyondTheLog(server),
          () => {
            for (const link of links) link.cut = false;
            if (!this.isBeyondTheLog(server)) return this.end(server);
            this.once(
              limitMs * 2,
              () => !this.isBeyondTheLog(server),
              () => {
                const isMended = !this.isBeyondTheLog(server) && this.lag(server) >= waitingEntries;
                if (isMended) coverage.hit('process: left behind while it stalls');
                this.end(server);
              },
            );
          },
        );
      },
    );
  }

  private end(server: Server): void {
    server.pause('main', false);
    this.holds = false;
  }

  /** Committed and not applied, in entries. */
  private lag(server: Server): number {
    const status = this.parts.observer.of(server.id).raft?.status();
    return status === undefined ? 0 : status.commitIndex - status.appliedIndex;
  }

  /** The leader's log begins behind what the server has. */
  private isBeyondTheLog(server: Server): boolean {
    const { observer } = this.parts;
    const leader = this.striker.leader();
    const theirs = leader === undefined ? undefined : observer.of(leader.id).log;
    const own = observer.of(server.id).log;
    return theirs !== undefined && own !== undefined && theirs.firstIndex() > own.lastIndex() + 1;
  }

  /** Goes on once the condition holds, or when its time is over. */
  private once(forMs: number, condition: () => boolean, then: () => void): void {
    const everyMs = this.parts.scenario.tickMs;
    if (condition() || forMs <= 0) then();
    else this.striker.after(everyMs, () => this.once(forMs - everyMs, condition, then));
  }
}
