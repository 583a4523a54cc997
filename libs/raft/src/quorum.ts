import type { Configuration, MemberId } from './types.js';

/** True when a majority of the voters (of both halves while joint) satisfies `has`. */
export function hasQuorum(c: Configuration, has: (id: MemberId) => boolean): boolean {
  return (
    c.voters.length > 0 &&
    hasMajority(c.voters, has) &&
    (c.votersOutgoing.length === 0 || hasMajority(c.votersOutgoing, has))
  );
}

function hasMajority(voters: readonly MemberId[], has: (id: MemberId) => boolean): boolean {
  let count = 0;
  for (const id of voters) if (has(id)) count += 1;
  return count > voters.length >> 1;
}

/** The highest index that a majority of the voters (of both halves while joint) holds durably. */
export function quorumIndex(c: Configuration, matchOf: (id: MemberId) => number): number {
  if (c.voters.length === 0) return 0;
  const incoming = majorityIndex(c.voters, matchOf);
  return c.votersOutgoing.length === 0
    ? incoming
    : Math.min(incoming, majorityIndex(c.votersOutgoing, matchOf));
}

function majorityIndex(voters: readonly MemberId[], matchOf: (id: MemberId) => number): number {
  const matched = voters.map(matchOf).sort((a, b) => b - a);
  return matched[matched.length >> 1] as number;
}

export type VoteResult = 'won' | 'lost' | 'pending';

/** The state of an election. `votes` holds each answer once; answers of non-voters have no weight. */
export function voteResult(c: Configuration, votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  if (hasQuorum(c, (id) => votes.get(id) === true)) return 'won';
  return hasQuorum(c, (id) => votes.get(id) !== false) ? 'pending' : 'lost';
}
