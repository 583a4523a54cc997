import { describe, expect, it } from 'vitest';
import { decodeConfiguration, encodeConfiguration } from './configuration.js';
import { RaftInvariantError } from './invariant.js';
import { hasQuorum, quorumIndex, voteResult } from './quorum.js';
import { asMemberId, type Configuration } from './types.js';

const of = (
  voters: number[],
  votersOutgoing: number[] = [],
  learners: number[] = [],
  observers: number[] = [],
  context = '',
): Configuration => ({
  voters: voters.map(asMemberId),
  votersOutgoing: votersOutgoing.map(asMemberId),
  learners: learners.map(asMemberId),
  observers: observers.map(asMemberId),
  context: new TextEncoder().encode(context),
});

describe('configuration entries', () => {
  it.each([of([]), of([1]), of([1, 2, 3], [1, 4, 5], [9], [7, 8], 'where they are'), of([2 ** 52])])(
    'come back as they were: %j',
    (c) => {
      expect(decodeConfiguration(encodeConfiguration(c))).toEqual(c);
    },
  );

  it('are refused when damaged, wherever they are cut', () => {
    const data = encodeConfiguration(of([1, 2, 3], [], [4]));
    for (let length = 0; length < data.length; length += 1) {
      expect(() => decodeConfiguration(data.subarray(0, length))).toThrow(RaftInvariantError);
    }
    expect(() => decodeConfiguration(new Uint8Array([9, ...data.subarray(1)]))).toThrow(RaftInvariantError);
  });
});

describe('quorums', () => {
  const matches =
    (...by: number[]) =>
    (id: number): number =>
      by[id - 1] ?? 0;

  it('commit what a majority holds, of both halves while joint', () => {
    expect(quorumIndex(of([1, 2, 3]), matches(5, 7, 2))).toBe(5);
    expect(quorumIndex(of([1, 2, 3, 4]), matches(9, 7, 5, 1))).toBe(5);
    expect(quorumIndex(of([1, 2, 3], [3, 4, 5]), matches(9, 9, 2, 4, 3))).toBe(3);
    expect(quorumIndex(of([]), matches(9))).toBe(0);
  });

  it('know when an election is won, lost or open', () => {
    const votes = (...given: [number, boolean][]) => new Map(given.map(([id, yes]) => [asMemberId(id), yes]));
    expect(voteResult(of([1, 2, 3]), votes([1, true], [2, true]))).toBe('won');
    expect(voteResult(of([1, 2, 3]), votes([1, true], [2, false]))).toBe('pending');
    expect(voteResult(of([1, 2, 3]), votes([1, true], [2, false], [3, false]))).toBe('lost');
    expect(voteResult(of([1, 2], [1, 3]), votes([1, true], [2, true], [3, false]))).toBe('lost');
    expect(hasQuorum(of([]), () => true)).toBe(false);
  });
});
