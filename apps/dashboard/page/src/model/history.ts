import type { Frame, MemberFrame, Observation, RequestCounts } from '../../../protocol.js';
import { difference, quantile, sum } from './counts.js';

/** Time without a frame that is shown as a gap. */
export const gapMs = 1_200;
/** What the page remembers: ten minutes. */
const keptMs = 600_000;

export type LaneState = 'leader' | 'follower' | 'learner' | 'observer' | 'paused' | 'silent';

/** One member in one frame, with what it did since its observation before. */
export interface MemberPoint {
  readonly state: LaneState;
  readonly term?: number;
  readonly fsyncP99Ms?: number;
  readonly loopP99Ms?: number;
  /** By the leader's view; 0 for the leader itself. */
  readonly lagEntries?: number;
  readonly cpuPercent?: number;
  /** Bytes a second to each other member. */
  readonly sentPerSecond: ReadonlyMap<string, number>;
}

/** One frame, as the charts draw it. Absent values are not known, or nothing was there to measure. */
export interface Point {
  readonly at: number;
  readonly servedBy: string;
  readonly members: ReadonlyMap<string, MemberPoint>;
  readonly readsPerSecond?: number;
  readonly writesPerSecond?: number;
  readonly errorsPerSecond?: number;
  readonly readP99Ms?: number;
  readonly writeP50Ms?: number;
  readonly writeP99Ms?: number;
  /** Sum over the followers, where somebody leads. */
  readonly inflightMessages?: number;
}

export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly before: string;
  readonly after: string;
}

interface Interval {
  readonly earlier: Observation;
  readonly later: Observation;
  readonly seconds: number;
}

/** Turns frames into points: rates and quantiles from the differences of each member's own counters. */
export class History {
  readonly points: Point[] = [];
  readonly gaps: Gap[] = [];
  readonly #last = new Map<string, Observation>();
  #membersBefore: ReadonlyMap<string, MemberPoint> = new Map();

  append(frame: Frame): Point {
    const before = this.points.at(-1);
    if (before !== undefined && frame.at - before.at > gapMs)
      this.gaps.push({ from: before.at, to: frame.at, before: before.servedBy, after: frame.servedBy });
    const point = this.#point(frame);
    this.points.push(point);
    this.#membersBefore = point.members;
    while ((this.points[0]?.at ?? Infinity) < frame.at - keptMs) this.points.shift();
    while ((this.gaps[0]?.to ?? Infinity) < frame.at - keptMs) this.gaps.shift();
    return point;
  }

  #point(frame: Frame): Point {
    const intervals = new Map<string, Interval>();
    for (const { name, observation } of frame.members) {
      const interval = observation === undefined ? undefined : this.#interval(name, observation);
      if (interval !== undefined) intervals.set(name, interval);
    }
    const leader = leaderOf(frame);
    const lags = new Map(leader?.followers.map(({ name, lagEntries }) => [name, lagEntries]));
    if (leader !== undefined) lags.set(leader.name, 0);
    const members = new Map(
      frame.members.map((member): [string, MemberPoint] => [
        member.name,
        this.#member(member, intervals.get(member.name), leader?.name, lags.get(member.name)),
      ]),
    );
    const all = [...intervals.values()];
    return {
      at: frame.at,
      servedBy: frame.servedBy,
      members,
      ...traffic(all),
      ...(leader === undefined
        ? {}
        : {
            inflightMessages: leader.followers.reduce((n, { inflightMessages }) => n + inflightMessages, 0),
          }),
    };
  }

  /** From this member's observation before to this one; undefined for the first of a process and for one seen already. */
  #interval(name: string, later: Observation): Interval | undefined {
    const earlier = this.#last.get(name);
    if (earlier !== undefined && earlier.at === later.at) return undefined;
    this.#last.set(name, later);
    if (earlier === undefined || earlier.startedAt !== later.startedAt || later.at < earlier.at)
      return undefined;
    return { earlier, later, seconds: (later.at - earlier.at) / 1_000 };
  }

  #member(
    { name, observation, process }: MemberFrame,
    interval: Interval | undefined,
    leader: string | undefined,
    lag: number | undefined,
  ): MemberPoint {
    const nothing: ReadonlyMap<string, number> = new Map();
    if (observation === undefined)
      return { state: process?.paused === true ? 'paused' : 'silent', sentPerSecond: nothing };
    const known = {
      state: stateOf(observation, leader),
      term: observation.term,
      ...(lag === undefined ? {} : { lagEntries: lag }),
      ...(observation.eventLoop === undefined ? {} : { loopP99Ms: observation.eventLoop.p99Ms }),
    };
    if (interval === undefined) {
      // The same observation as in the frame before: its rates stand.
      const kept = this.#membersBefore.get(name);
      return { ...kept, ...known, sentPerSecond: kept?.sentPerSecond ?? nothing };
    }
    const { earlier, later, seconds } = interval;
    const fsync =
      later.fsyncSeconds === undefined || earlier.fsyncSeconds === undefined
        ? undefined
        : quantile(difference(later.fsyncSeconds, earlier.fsyncSeconds), 0.99);
    return {
      ...known,
      ...(fsync === undefined ? {} : { fsyncP99Ms: fsync * 1_000 }),
      cpuPercent: ((later.cpuSeconds - earlier.cpuSeconds) / seconds) * 100,
      sentPerSecond: new Map(
        later.links.map(({ name: to, sentBytes }) => {
          const was = earlier.links.find((link) => link.name === to)?.sentBytes ?? sentBytes;
          return [to, Math.max(0, sentBytes - was) / seconds];
        }),
      ),
    };
  }
}

/** Whoever says to lead in the highest term and has a quorum; a deposed one may still believe it. */
export function leaderOf(frame: Frame): Observation | undefined {
  const observations = frame.members.flatMap(({ observation }) => observation ?? []);
  const term = Math.max(0, ...observations.map((each) => each.term));
  return observations.find((each) => each.role === 'leader' && each.term === term && each.quorum);
}

function stateOf({ role, name }: Observation, leader: string | undefined): LaneState {
  return role === 'leader' && name !== leader ? 'follower' : role;
}

function traffic(intervals: readonly Interval[]): Partial<Point> {
  if (intervals.length === 0) return {};
  const rate = (count: (observation: Observation) => number): number =>
    intervals.reduce((n, { earlier, later, seconds }) => n + (count(later) - count(earlier)) / seconds, 0);
  const latency = (kind: (observation: Observation) => RequestCounts, q: number): number | undefined => {
    const merged = sum(
      intervals.map(({ earlier, later }) => difference(kind(later).latencyMs, kind(earlier).latencyMs)),
    );
    return merged === undefined ? undefined : quantile(merged, q);
  };
  const values = {
    readsPerSecond: rate(({ reads }) => reads.count),
    writesPerSecond: rate(({ writes }) => writes.count),
    errorsPerSecond: rate(({ reads, writes }) => reads.errors + writes.errors),
    readP99Ms: latency(({ reads }) => reads, 0.99),
    writeP50Ms: latency(({ writes }) => writes, 0.5),
    writeP99Ms: latency(({ writes }) => writes, 0.99),
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
