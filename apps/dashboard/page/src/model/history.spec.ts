import { describe, expect, it } from 'vitest';
import type { Counts, Frame, Observation } from '../../../protocol.js';
import { quantile } from './counts.js';
import { History, leaderOf } from './history.js';

const none: Counts = { bounds: [1, 2, 4], counts: [0, 0, 0, 0] };
const requests = (count: number, latency: readonly number[] = [0, 0, 0, 0]) => ({
  count,
  errors: 0,
  latencyMs: { bounds: [1, 2, 4], counts: latency },
});

function observation(name: string, at: number, change: Partial<Observation> = {}): Observation {
  return {
    name,
    at,
    startedAt: 1_000,
    pid: 1,
    version: '0',
    role: name === 'm1' ? 'leader' : 'follower',
    term: 3,
    leader: 'm1',
    quorum: true,
    ready: true,
    lastIndex: 10,
    commitIndex: 10,
    appliedIndex: 10,
    revision: 10,
    sizeBytes: 1,
    followers: [],
    links: [],
    alarms: [],
    fsyncSeconds: none,
    reads: requests(0),
    writes: requests(0),
    cpuSeconds: 0,
    rssBytes: 1,
    leaderships: [],
    ...change,
  };
}

function frame(at: number, observations: readonly Observation[], change: Partial<Frame> = {}): Frame {
  return {
    at,
    cluster: 'c',
    servedBy: 'm1',
    members: ['m1', 'm2', 'm3'].map((name) => {
      const found = observations.find((each) => each.name === name);
      return found === undefined ? { name, silence: 'no answer' } : { name, observation: found };
    }),
    ...change,
  };
}

describe('the quantile of counts', () => {
  it('is the end of its bucket, nothing of nothing, and endless behind the last', () => {
    expect(quantile({ bounds: [1, 2, 4], counts: [98, 1, 1, 0] }, 0.99)).toBe(2);
    expect(quantile(none, 0.99)).toBeUndefined();
    expect(quantile({ bounds: [1], counts: [0, 1] }, 0.5)).toBe(Infinity);
  });
});

describe('the history', () => {
  it('takes rates and latencies from what every master counted between two frames', () => {
    const history = new History();
    history.append(frame(10_000, [observation('m1', 10_000), observation('m2', 10_000)]));
    const point = history.append(
      frame(10_500, [
        observation('m1', 10_500, { writes: requests(50, [49, 1, 0, 0]) }),
        observation('m2', 10_500, {
          writes: requests(50, [0, 50, 0, 0]),
          reads: requests(10, [10, 0, 0, 0]),
        }),
      ]),
    );
    expect(point).toMatchObject({ writesPerSecond: 200, readsPerSecond: 20, writeP50Ms: 2, readP99Ms: 1 });
  });

  it('knows no rate of the first observation of a process, also of one that came back', () => {
    const history = new History();
    const first = history.append(frame(10_000, [observation('m1', 10_000, { writes: requests(900) })]));
    expect(first.writesPerSecond).toBeUndefined();
    const again = history.append(
      frame(10_500, [observation('m1', 10_500, { startedAt: 10_200, writes: requests(5) })]),
    );
    expect(again.writesPerSecond).toBeUndefined();
    expect(again.members.get('m1')?.cpuPercent).toBeUndefined();
  });

  it('shows what a silent master did as unknown, not as nothing', () => {
    const history = new History();
    history.append(frame(10_000, [observation('m1', 10_000), observation('m2', 10_000)]));
    const point = history.append(frame(10_500, [observation('m1', 10_500)]));
    expect(point.members.get('m2')).toEqual({ state: 'silent', sentPerSecond: new Map() });
    expect(point.members.get('m1')?.fsyncP99Ms).toBeUndefined();
  });

  it('keeps the rates of an observation that comes a second time', () => {
    const history = new History();
    history.append(frame(10_000, [observation('m2', 10_000)]));
    const seen = observation('m2', 10_500, { cpuSeconds: 0.25 });
    expect(history.append(frame(10_500, [seen])).members.get('m2')?.cpuPercent).toBe(50);
    expect(history.append(frame(11_000, [seen])).members.get('m2')?.cpuPercent).toBe(50);
  });

  it('names a gap, with the masters before and after it, and counts over it', () => {
    const history = new History();
    history.append(frame(10_000, [observation('m1', 10_000)]));
    const after = history.append(
      frame(12_000, [observation('m1', 12_000, { writes: requests(20) })], { servedBy: 'm2' }),
    );
    expect(history.gaps).toEqual([{ from: 10_000, to: 12_000, before: 'm1', after: 'm2' }]);
    expect(after.writesPerSecond).toBe(10);
  });

  it('forgets what is older than ten minutes', () => {
    const history = new History();
    for (let at = 0; at <= 1_200_000; at += 60_000) history.append(frame(at, []));
    expect(history.points[0]?.at).toBe(600_000);
    expect(history.gaps[0]?.to).toBe(600_000);
  });

  it('takes the lag of followers from the leader alone', () => {
    const view = {
      matchIndex: 7,
      state: 'replicate',
      active: true,
      inflightMessages: 2,
      inflightBytes: 9,
    } as const;
    const followers = [{ ...view, name: 'm2', lagEntries: 3 }];
    const point = new History().append(
      frame(10_000, [observation('m1', 10_000, { followers }), observation('m2', 10_000)]),
    );
    expect(point.members.get('m2')?.lagEntries).toBe(3);
    expect(point.members.get('m1')?.lagEntries).toBe(0);
    expect(point.members.get('m3')?.lagEntries).toBeUndefined();
    expect(point.inflightMessages).toBe(2);
  });
});

describe('the leader', () => {
  it('is who says so in the highest term; a deposed one that still believes it is none', () => {
    const deposed = observation('m1', 10_000, { role: 'leader', term: 3 });
    const elected = observation('m2', 10_000, { role: 'leader', term: 4 });
    expect(leaderOf(frame(10_000, [deposed, elected]))?.name).toBe('m2');
    expect(new History().append(frame(10_000, [deposed, elected])).members.get('m1')?.state).toBe('follower');
  });

  it('is nobody without a quorum', () => {
    expect(leaderOf(frame(10_000, [observation('m1', 10_000, { quorum: false })]))).toBeUndefined();
  });
});
