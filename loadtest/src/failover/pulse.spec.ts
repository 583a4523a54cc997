import { describe, expect, it } from 'vitest';
import { Pulse } from './pulse.js';

function pulseAt(...times: readonly number[]): Pulse {
  const pulse = new Pulse();
  for (const time of times) pulse.beat(time);
  return pulse;
}

describe('a gap', () => {
  it('is the longest time without success, the ends of the period included', () => {
    const pulse = pulseAt(10, 20, 120, 130);
    expect(pulse.longestGapMs(0, 140)).toBe(100);
    expect(pulse.longestGapMs(0, 20)).toBe(10);
    expect(pulse.longestGapMs(50, 125)).toBe(70);
    expect(pulse.longestGapMs(130, 400)).toBe(270);
  });

  it('is the whole period when nothing succeeded', () => {
    expect(pulseAt().longestGapMs(5, 25)).toBe(20);
    expect(pulseAt(1, 2).longestGapMs(100, 150)).toBe(50);
  });
});
