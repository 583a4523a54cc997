import { describe, expect, it } from 'vitest';
import { Chronicle } from './chronicle.js';
import { type Acknowledged, failoverOf, lostWrites } from './tour.js';

const ack = (number: number, at: number, servedBy = 'm2'): Acknowledged => ({
  number,
  sentAt: at - 1,
  at,
  servedBy,
});

describe('what the tour tells', () => {
  const kill = { at: 1_000, what: 'kill', master: 'm1' };

  it('is measured from the kill: missed, elected, first write, restart', () => {
    expect(
      failoverOf({
        kill,
        losses: [
          { term: 3, at: 400 },
          { term: 3, at: 1_004 },
        ],
        reigns: [
          { term: 3, leader: 'm1', at: 100 },
          { term: 4, leader: 'm2', at: 1_031 },
        ],
        faults: [
          kill,
          { at: 1_002, what: 'ended', master: 'm1' },
          { at: 1_105, what: 'started', master: 'm1' },
        ],
        acknowledged: [ack(1, 980), ack(2, 998), ack(3, 1_048), ack(4, 1_060)],
      }),
    ).toEqual({
      victim: 'm1',
      killedAt: 1_000,
      noticedMs: 4,
      elected: { ms: 31, leader: 'm2', term: 4 },
      writer: { gapMs: 50, firstAckMs: 48, servedBy: 'm2' },
      restartedMs: 105,
    });
  });

  it('leaves out what has not been seen', () => {
    expect(failoverOf({ kill, losses: [], reigns: [], faults: [], acknowledged: [ack(1, 900)] })).toEqual({
      victim: 'm1',
      killedAt: 1_000,
    });
  });

  it('counts as lost what was acknowledged and is not held', () => {
    const acknowledged = [ack(1, 10), ack(2, 20), ack(3, 30)];
    expect(lostWrites(acknowledged, 3)).toBe(0);
    // One that was never answered may have taken effect.
    expect(lostWrites(acknowledged, 4)).toBe(0);
    expect(lostWrites(acknowledged, 1)).toBe(2);
    expect(lostWrites(acknowledged, undefined)).toBe(3);
  });
});

describe('the chronicle', () => {
  const frame = (leaderships: readonly { at: number; term: number; leader?: string }[]) =>
    ({
      at: 2_000,
      cluster: 'c',
      servedBy: 'm1',
      members: [{ name: 'm1', observation: { leaderships } }],
      faults: [{ at: 1_500, what: 'kill', master: 'm1' }],
    }) as never;

  it('tells a term once, from whoever saw its leader first', () => {
    const chronicle = new Chronicle();
    chronicle.append(frame([{ at: 1_600, term: 4, leader: 'm2' }]));
    chronicle.append(frame([{ at: 1_590, term: 4, leader: 'm2' }]));
    // A master that has just started learns late of a term that others saw begin.
    chronicle.append(frame([{ at: 1_900, term: 4, leader: 'm2' }]));
    expect(chronicle.reigns).toEqual([{ term: 4, leader: 'm2', at: 1_590 }]);
    expect(chronicle.faults).toHaveLength(1);
  });

  it('keeps the present term however old, and forgets earlier ones', () => {
    const chronicle = new Chronicle();
    chronicle.append(
      frame([
        { at: -900_000, term: 3, leader: 'm1' },
        { at: -800_000, term: 4, leader: 'm2' },
        { at: -850_000, term: 3 },
      ]),
    );
    expect(chronicle.reigns.map(({ term }) => term)).toEqual([4]);
    expect(chronicle.losses).toEqual([]);
  });
});
