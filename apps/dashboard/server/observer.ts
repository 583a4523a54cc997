import type { ConsensusMetrics, HistogramSnapshot, Storage } from '#libs/consensus';
import type { Counts, LeadershipChange, Observation } from '../protocol.js';
import { LoopDelay } from './loop-delay.js';
import type { Traffic } from './traffic.js';

const leadershipsKept = 40;

export interface ObserverOptions {
  readonly storage: Storage;
  /** Undefined where the log is another program's. */
  readonly metrics: (() => ConsensusMetrics) | undefined;
  readonly traffic: Traffic;
  readonly version: string;
  /** Whether /readyz answers 200. */
  readonly ready: () => Promise<boolean>;
}

/** Sees one replica from inside: what it tells about itself to whoever draws the cluster. */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #loop = new LoopDelay();
  readonly #leaderships: LeadershipChange[] = [];
  readonly #startedAt = Math.round(Date.now() - process.uptime() * 1_000);
  readonly #forget: () => void;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#forget = options.storage.onLeadership(({ term, leader }) => {
      const last = this.#leaderships.at(-1);
      // A leader is told twice of its own election: when it has won, and when it has applied its first entry.
      if (last?.term === term && last.leader === leader) return;
      // Nobody yet, as after a start, is no loss of a leader.
      if (leader === undefined && last?.leader === undefined) return;
      this.#leaderships.push({ at: Date.now(), term, ...(leader === undefined ? {} : { leader }) });
      if (this.#leaderships.length > leadershipsKept) this.#leaderships.shift();
    });
  }

  close(): void {
    this.#forget();
    this.#loop.close();
  }

  async observe(): Promise<Observation> {
    const { storage, traffic, version } = this.#options;
    const ready = await this.#options.ready();
    const status = storage.status();
    const metrics = this.#options.metrics?.();
    const { leadership } = status;
    const self = status.members.find(({ id }) => id === status.memberId);
    const { user, system } = process.cpuUsage();
    const eventLoop = this.#loop.read();
    return {
      name: status.name,
      at: Date.now(),
      startedAt: this.#startedAt,
      pid: process.pid,
      version,
      role: roleOf(leadership.isLeader, self?.role),
      term: leadership.term,
      ...(leadership.leader === undefined ? {} : { leader: leadership.leader }),
      quorum: status.quorum,
      ready,
      lastIndex: status.lastIndex,
      commitIndex: status.commitIndex,
      appliedIndex: status.appliedIndex,
      revision: status.revision,
      sizeBytes: status.sizeBytes,
      followers: (metrics?.followers ?? []).map(({ nextIndex: _nextIndex, ...view }) => view),
      links: (metrics?.peers ?? []).map(({ name, sentBytes }) => ({ name, sentBytes })),
      alarms: status.alarms.map(({ type, member }) => ({ type, member })),
      ...(metrics === undefined ? {} : { fsyncSeconds: countsOf(metrics.walFsyncSeconds) }),
      ...traffic.snapshot(),
      ...(eventLoop === undefined ? {} : { eventLoop }),
      cpuSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss(),
      leaderships: [...this.#leaderships],
    };
  }
}

function countsOf({ bounds, counts }: HistogramSnapshot): Counts {
  return { bounds, counts: [...counts] };
}

/** The row of a member list names a leader before it has applied an entry of its term; only then does it lead. */
function roleOf(isLeader: boolean, role: Observation['role'] | undefined): Observation['role'] {
  if (isLeader) return 'leader';
  return role === undefined || role === 'leader' ? 'follower' : role;
}
