import { order, probe } from './live.js';
import { leaderOf } from './model/history.js';
import { type Acknowledged, type Failover, failoverOf, lostWrites } from './model/tour.js';
import type { Store } from './store.js';

/** What the tour has learnt so far. */
export interface TourState {
  readonly phase: 'writing' | 'killing' | 'electing' | 'returning' | 'checking' | 'done' | 'failed';
  readonly leader: string;
  readonly acknowledged: number;
  /** Median of the writes before the kill. */
  readonly medianWriteMs?: number;
  readonly failover?: Failover;
  /** Since the kill: the victim runs, is ready, and holds all of the leader's log. */
  readonly backMs?: number;
  /** Writes that were sent and never answered: they may have taken effect or not. */
  readonly unanswered: number;
  /** Of the acknowledged ones; absent while unchecked. */
  readonly lost?: number;
  readonly problem?: string;
}

const steadyMs = 3_000;
const pauseBetweenWritesMs = 4;
const patienceMs = 20_000;
const lookEveryMs = 100;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Writes one number after the other, each when the one before was answered. */
class Writer {
  readonly acknowledged: Acknowledged[] = [];
  readonly id = crypto.randomUUID();
  unanswered = 0;
  #next = 1;
  #going = true;
  readonly #ended: Promise<void>;

  constructor(readonly onChange: () => void) {
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#ended;
  }

  /** The number that the store holds for this writer, by one more write. */
  async held(): Promise<number | undefined> {
    return (await probe({ writer: this.id, number: this.#next })).before;
  }

  async #run(): Promise<void> {
    while (this.#going) {
      const number = this.#next++;
      const sentAt = Date.now();
      try {
        const { servedBy } = await probe({ writer: this.id, number });
        this.acknowledged.push({ number, sentAt, at: Date.now(), servedBy });
      } catch {
        // No answer is part of what the tour shows: it is counted, and the next number is tried.
        this.unanswered += 1;
        await wait(20);
      }
      this.onChange();
      await wait(pauseBetweenWritesMs);
    }
  }
}

/** Kills the leader for real, and tells `onChange` what was measured. Rejects never. */
export async function runTour(store: Store, onChange: (state: TourState) => void): Promise<void> {
  const leader = store.frame === undefined ? undefined : leaderOf(store.frame)?.name;
  let state: TourState = { phase: 'writing', leader: leader ?? '', acknowledged: 0, unanswered: 0 };
  const tell = (change: Partial<TourState>): void => {
    state = { ...state, ...change };
    onChange(state);
  };
  if (leader === undefined)
    return tell({ phase: 'failed', problem: 'nobody leads: there is no leader to kill' });
  const writer = new Writer(() =>
    tell({ acknowledged: writer.acknowledged.length, unanswered: writer.unanswered }),
  );
  try {
    tell({});
    await wait(steadyMs);
    if (writer.acknowledged.length === 0)
      throw new Error('no write was acknowledged: the cluster does not take writes');
    tell({
      phase: 'killing',
      medianWriteMs: median(writer.acknowledged.map(({ at, sentAt }) => at - sentAt)),
    });
    const kill = await order({ fault: 'kill', master: leader });
    const learn = (): Failover => {
      const { reigns, losses, faults } = store.chronicle;
      return failoverOf({ kill, reigns, losses, faults, acknowledged: writer.acknowledged });
    };
    tell({ phase: 'electing', failover: learn() });
    await until(() => {
      tell({ failover: learn() });
      return state.failover?.elected !== undefined && state.failover.writer !== undefined;
    });
    tell({ phase: 'returning' });
    await until(() => {
      tell({ failover: learn() });
      return state.failover?.restartedMs !== undefined && isBack(store, leader, kill.at);
    });
    tell({ phase: 'checking', backMs: (store.frame?.at ?? kill.at) - kill.at, failover: learn() });
    await writer.stop();
    const held = await writer.held();
    if (held === undefined)
      throw new Error('another tour wrote at the same time: what is held cannot be told');
    tell({ phase: 'done', lost: lostWrites(writer.acknowledged, held), failover: learn() });
  } catch (error) {
    tell({ phase: 'failed', problem: (error as Error).message });
  } finally {
    await writer.stop();
  }
}

function isBack({ frame }: Store, victim: string, killedAt: number): boolean {
  const member = frame?.members.find(({ name }) => name === victim)?.observation;
  if (frame === undefined || member === undefined || member.startedAt < killedAt || !member.ready)
    return false;
  const view = leaderOf(frame)?.followers.find(({ name }) => name === victim);
  return view?.active === true && view.state === 'replicate' && view.lagEntries === 0;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not seen within ${patienceMs / 1_000} s`);
    await wait(lookEveryMs);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
