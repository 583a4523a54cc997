import { expect, it } from 'vitest';
import { asLogIndex, asMemberId } from '#libs/raft';
import type { Configuration, RaftServer } from '#libs/raft';
import { planChange } from '../membership/member-change.js';
import { initialConfiguration } from '../membership/member-directory.js';
import type { PeerTransport } from '../transport/peer-transport.js';
import { ThreadMembership } from './thread-membership.js';

const address = (id: number) => ({ id, name: `m${id}`, host: '10.0.0.1', port: 7_000 + id });
const before = initialConfiguration([address(1), address(2), { ...address(3), observer: true }]);

/** As before, but without a member. */
function without(id: number): Configuration {
  const planned = planChange(before, { type: 'remove', id });
  if ('refused' in planned) throw new Error(planned.refused);
  const voters = before.voters.filter((each) => each !== id);
  return { ...before, voters, context: planned.context };
}

/** The membership of one member: a core and a network that say what is set here and note what they are told. */
function membershipOf(memberId: number) {
  let configuration = before;
  let leader = 0;
  const timers: (() => void)[] = [];
  const dismissedBelow: number[] = [];
  const removed: string[] = [];
  const membership = new ThreadMembership({
    memberId: asMemberId(memberId),
    addresses: [],
    clock: {
      now: () => 0,
      soon: (callback) => callback(),
      after: (_ms, callback) => {
        timers.push(callback);
        return () => undefined;
      },
      every: () => () => undefined,
    },
    raft: { status: () => ({ configuration, softState: { leader } }) } as unknown as RaftServer,
    network: {
      setMembers: (_members: unknown, nextId: number) => dismissedBelow.push(nextId),
    } as unknown as PeerTransport,
    post: () => undefined,
    onRemoved: (reason) => removed.push(reason),
  });
  return {
    dismissedBelow,
    removed,
    remove: (id: number): void => {
      configuration = without(id);
      membership.applied(asLogIndex(2), true);
    },
    leads: (id: number): void => void (leader = id),
    later: (): void => timers.splice(0).forEach((run) => run()),
  };
}

it('only a voter dismisses whom the configuration lacks: with a removed one goes its vote', () => {
  const [voter, observer] = [membershipOf(2), membershipOf(3)];
  for (const each of [voter, observer]) {
    each.remove(1);
    each.later();
  }
  expect(voter.dismissedBelow.at(-1)).toBe(4);
  expect(observer.dismissedBelow.every((nextId) => nextId === 0)).toBe(true);
});

it('a removed member stays until another one leads', () => {
  const leader = membershipOf(1);
  leader.leads(1);
  leader.remove(1);
  leader.later();
  leader.leads(0);
  leader.later();
  expect(leader.removed).toEqual([]);
  leader.leads(2);
  leader.later();
  expect(leader.removed).toEqual(['its removal is in the log']);
});
