import { describe, expect, it } from 'vitest';
import { configurationOf, Group } from '../testing/group.js';
import { entriesOf, makeLeader, message, solo, termsOf } from '../testing/solo.js';
import { asLogIndex } from './types.js';

/** The extended Raft paper, section by section. */

describe('§5.1 terms', () => {
  it('a server that sees a higher term adopts it and follows', () => {
    const host = solo({ terms: [1] });
    makeLeader(host, 2);
    host.raft.step(message('appendEntries', 2, 1, 7));
    host.drain();
    expect(host.raft.status().softState).toEqual({ role: 'follower', leader: 2, term: 7 });
  });

  it('a message of a stale term changes nothing, and its leader is told', () => {
    const host = solo({ terms: [1], term: 5 });
    host.raft.step(message('appendEntries', 2, 1, 4, { logIndex: 1, logTerm: 1, entries: entriesOf(2, 4) }));
    const [answer] = host.drain();
    expect(answer).toMatchObject({ type: 'appendEntriesResponse', to: 2, term: 5, reject: true });
    expect(host.raft.status().lastIndex).toBe(1);
  });

  it('the term and the vote survive a restart', () => {
    const host = solo();
    host.raft.step(message('requestVote', 2, 1, 3));
    host.drain();
    host.restart();
    host.raft.step(message('requestVote', 3, 1, 3));
    expect(host.drain()[0]).toMatchObject({ type: 'requestVoteResponse', reject: true, term: 3 });
  });
});

describe('§5.2 leader election', () => {
  it('everyone starts as a follower and stays one while a leader is heard', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.run(100);
    expect(group.leaders()).toEqual([1]);
    expect(group.term(2)).toBe(1);
  });

  it('timeouts are drawn anew from [electionTicks, 2·electionTicks)', () => {
    let share = 0;
    const waits = new Set<number>();
    const host = solo({ overrides: { random: () => (share = (share + 0.37) % 1) } });
    for (let round = 0; round < 50; round += 1) {
      let ticks = 0;
      while (host.drain().every(({ type }) => type !== 'preVote') && ticks < 30) {
        host.raft.tick();
        ticks += 1;
      }
      waits.add(ticks);
    }
    expect(Math.min(...waits)).toBe(10);
    expect(Math.max(...waits)).toBe(19);
  });

  it.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
  ])('of %i servers a candidate needs %i votes beside its own', (size, others) => {
    const ids = Array.from({ length: size }, (_, i) => i + 1);
    for (let votes = 0; votes <= others; votes += 1) {
      const host = solo({ configuration: configurationOf(ids) });
      makeLeader(host, ...ids.slice(1, 1 + votes));
      expect(host.raft.status().softState.role === 'leader').toBe(votes >= others);
    }
  });

  it('one vote a term, first come first served; the same candidate may ask again', () => {
    const host = solo();
    host.raft.step(message('requestVote', 2, 1, 1));
    host.raft.step(message('requestVote', 3, 1, 1));
    host.raft.step(message('requestVote', 2, 1, 1));
    const answers = host.drain().map(({ to, reject }) => [to, reject]);
    expect(answers).toEqual(
      expect.arrayContaining([
        [2, false],
        [3, true],
        [2, false],
      ]),
    );
    expect(answers).toHaveLength(3);
  });

  it('a candidate that hears the leader of its term follows it', () => {
    const host = solo();
    for (let i = 0; i < 10; i += 1) host.raft.tick();
    host.drain();
    host.raft.step(message('preVoteResponse', 2, 1, 1));
    host.drain();
    expect(host.raft.status().softState.role).toBe('candidate');
    host.raft.step(message('heartbeat', 3, 1, 1));
    expect(host.raft.status().softState).toMatchObject({ role: 'follower', leader: 3, term: 1 });
  });
});

describe('§5.3 log replication', () => {
  it('a leader appends, sends to all in parallel, commits with a majority, and tells with later messages', () => {
    const group = Group.of([1, 2, 3, 4, 5]);
    group.elect(1);
    for (const id of [4, 5]) group.isolate(id);
    group.propose(1, 'x');
    group.settle();
    expect([1, 2, 3, 4, 5].map((id) => group.texts(id).join())).toEqual(['x', 'x', 'x', '', '']);
  });

  it('a follower refuses what does not follow on its log', () => {
    const host = solo({ terms: [1, 1, 2] });
    host.raft.step(message('appendEntries', 2, 1, 3, { logIndex: 3, logTerm: 1, entries: entriesOf(4, 3) }));
    host.raft.step(message('appendEntries', 2, 1, 3, { logIndex: 5, logTerm: 3, entries: entriesOf(6, 3) }));
    expect(host.drain().map(({ reject }) => reject)).toEqual([true, true]);
    expect(termsOf(host)).toEqual([1, 1, 2]);
  });

  // Figure 7: the leader of term 8 has 1 1 1 4 4 5 5 6 6 6.
  it.each([
    ['a', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['b', [1, 1, 1, 4]],
    ['c', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['d', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['e', [1, 1, 1, 4, 4, 4, 4]],
    ['f', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('figure 7 (%s): the leader brings the follower to its own log, a term a step', (_, terms) => {
    const leader = solo({ terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], term: 7 });
    const follower = solo({ terms, term: 7 });
    let toFollower = makeLeader(leader, 3).filter(({ to }) => to === 2);
    let refusals = 0;
    for (let i = 0; i < 30 && toFollower.length > 0; i += 1) {
      for (const each of toFollower) follower.raft.step({ ...each, to: 1 as never, from: 2 as never });
      for (const each of follower.drain()) {
        if (each.reject) refusals += 1;
        leader.raft.step({ ...each, to: 1 as never, from: 2 as never });
      }
      toFollower = leader.drain().filter(({ to }) => to === 2);
    }
    expect(termsOf(follower)).toEqual([1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8]);
    expect(refusals).toBeLessThanOrEqual(3);
  });

  it('pipelines appends up to the caps on messages and bytes', () => {
    const group = Group.of([1, 2, 3], { maxBytesPerMessage: 20, maxInflightMessages: 3 });
    group.elect(1);
    group.propose(1, 'a', 'b', 'c', 'd', 'e', 'f');
    group.collect();
    const sent = (): number =>
      group.network.filter(
        ({ type, to, entries }) => type === 'appendEntries' && to === 2 && entries.length > 0,
      ).length;
    expect(sent()).toBe(3);
    group.settle();
    expect(group.texts(2)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  it('the cap on bytes in flight holds as well', () => {
    const host = solo({ overrides: { maxBytesPerMessage: 100, maxInflightBytes: 250 } });
    makeLeader(host, 2);
    host.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 1 }));
    host.drain();
    host.raft.propose(Array.from({ length: 10 }, () => new Uint8Array(84)));
    const sent = host.drain().filter(({ to, entries }) => to === 2 && entries.length > 0);
    expect(sent).toHaveLength(3);
  });

  it('lost appends are found out by the heartbeats and sent again', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.propose(1, 'a');
    group.collect();
    group.network = [];
    group.propose(1, 'b');
    group.settle();
    group.run(3);
    expect([1, 2, 3].map((id) => group.texts(id).join(' '))).toEqual(['a b', 'a b', 'a b']);
  });
});

describe('§5.4 safety', () => {
  it.each([
    { candidate: [1], voter: [1], granted: true },
    { candidate: [1, 1], voter: [1], granted: true },
    { candidate: [1], voter: [1, 1], granted: false },
    { candidate: [2], voter: [1, 1], granted: true },
    { candidate: [1, 1], voter: [2], granted: false },
  ])('§5.4.1 the log $candidate gets the vote of $voter: $granted', ({ candidate, voter, granted }) => {
    const host = solo({ terms: voter });
    const last = { logIndex: candidate.length, logTerm: candidate.at(-1) ?? 0 };
    host.raft.step(message('requestVote', 2, 1, 3, last));
    expect(host.drain()[0]?.reject).toBe(!granted);
  });

  it('§5.4.2 figure 8: an entry of an earlier term is committed only along with one of the current term', () => {
    const host = solo({ terms: [1, 2] });
    makeLeader(host, 2);
    host.raft.step(message('appendEntriesResponse', 2, 1, 3, { logIndex: 2 }));
    host.drain();
    expect(host.raft.status().commitIndex).toBe(0);
    host.raft.step(message('appendEntriesResponse', 2, 1, 3, { logIndex: 3 }));
    host.drain();
    expect(host.raft.status().commitIndex).toBe(3);
  });
});

describe('§5.5 and §5.6 crashes and timing', () => {
  it('appends are idempotent', () => {
    const host = solo();
    const append = message('appendEntries', 2, 1, 1, { entries: entriesOf(1, 1, 1), commit: 1 });
    host.raft.step(append);
    host.raft.step(append);
    const answers = host.drain();
    // The repeated one begins before the commit index, which is all that it then confirms.
    expect(answers.map(({ logIndex, reject }) => [logIndex, reject])).toEqual([
      [2, false],
      [1, false],
    ]);
    expect(termsOf(host)).toEqual([1, 1]);
    expect(host.applied.map(({ index }) => index)).toEqual([1]);
  });

  it('a group goes on without a minority, and takes it back', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.kill(3);
    group.propose(1, 'a');
    group.settle();
    group.restart(3);
    group.run(3);
    expect(group.texts(3)).toEqual(['a']);
  });
});

describe('§6 configuration', () => {
  it('a group of one commits what it has on disk', () => {
    const group = Group.of([1]);
    group.elect(1);
    group.propose(1, 'a');
    group.raft(1).readIndex(5);
    group.settle();
    expect(group.texts(1)).toEqual(['a']);
    expect(group.host(1).readStates).toEqual([{ context: 5, index: 1 }]);
  });

  it('a new server is brought up to date before it votes, and commits depend on it from then on', () => {
    const group = Group.of([1, 2]);
    group.elect(1);
    group.propose(1, 'a', 'b');
    group.settle();
    group.join(3);
    expect(group.change(1, ['addLearner', 3])).toEqual({ index: 4 });
    group.run(2);
    expect(group.texts(3)).toEqual(['a', 'b']);
    group.isolate(2);
    group.propose(1, 'c');
    group.settle();
    expect(group.texts(1), 'a learner is no majority').toEqual(['a', 'b']);
    group.heal();
    group.run(3);
    expect(group.change(1, ['promote', 3])).toEqual({ index: 6 });
    group.settle();
    group.isolate(2);
    group.propose(1, 'd');
    group.settle();
    expect(group.texts(1)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('a majority of both configurations elects and commits while a change of several servers is under way', () => {
    const group = new Group(configurationOf([1, 2, 3], [4, 5]), [1, 2, 3, 4, 5]);
    group.elect(1);
    group.run(1);
    group.change(1, ['promote', 4], ['promote', 5], ['remove', 1], ['remove', 2]);
    group.settle();
    group.run(30);
    const [leader = 0] = group.leaders();
    expect(group.raft(leader).status().configuration).toEqual(configurationOf([3, 4, 5]));
    expect([3, 4, 5]).toContain(leader);
    group.propose(leader, 'after');
    group.settle();
    for (const id of [3, 4, 5]) expect(group.texts(id)).toEqual(['after']);
  });

  it('a removed server, which hears no leader any more, cannot depose one', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    // It is cut off while it is removed, so that it does not even know.
    group.isolate(3);
    group.change(1, ['remove', 3]);
    group.settle();
    group.heal();
    group.run(100);
    expect(group.leaders()).toEqual([1]);
    expect(group.term(1)).toBe(1);
  });

  it('a server that nobody knows gets answers, and cannot disturb a group that hears its leader', () => {
    const host = solo({ terms: [1], term: 1 });
    host.raft.step(message('heartbeat', 2, 1, 1));
    host.drain();
    host.raft.step(message('requestVote', 9, 1, 50, { logIndex: 9, logTerm: 9 }));
    expect(host.drain()).toEqual([]);
    expect(host.raft.status().softState).toEqual({ role: 'follower', leader: 2, term: 1 });
    host.raft.step(message('appendEntriesResponse', 9, 1, 1, { logIndex: 1 }));
    expect(host.drain()).toEqual([]);
  });
});

describe('§7 log compaction', () => {
  it('a follower behind the start of the log gets the snapshot, then what follows it', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.kill(3);
    group.propose(1, 'a', 'b');
    group.settle();
    group.host(1).compact();
    group.propose(1, 'c');
    group.settle();
    group.restart(3);
    group.run(3);
    expect(group.host(3).log.snapshot()?.index).toBe(3);
    expect(group.texts(3)).toEqual(['c']);
  });

  it('after a failed stream the leader waits for a sign of life before the next', () => {
    const host = solo({ terms: [1, 1, 1], commit: 3 });
    makeLeader(host, 2);
    host.raft.step(message('appendEntriesResponse', 2, 1, 2, { logIndex: 4 }));
    host.drain();
    host.compact();
    host.raft.step(message('appendEntriesResponse', 3, 1, 2, { reject: true, logIndex: 3 }));
    expect(host.drain().filter(({ type }) => type === 'installSnapshot')).toHaveLength(1);
    host.raft.snapshotSent(3 as never, false);
    expect(host.drain()).toEqual([]);
    host.raft.step(message('heartbeatResponse', 3, 1, 2));
    expect(host.drain().filter(({ type }) => type === 'installSnapshot')).toHaveLength(1);
  });
});

describe('§8 clients', () => {
  it('a new leader commits an empty entry of its term before anything else', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    expect(group.host(1).applied).toMatchObject([
      { index: 1, term: 1, type: 'normal', data: new Uint8Array(0) },
    ]);
  });

  it('proposals beyond the bound on uncommitted bytes are refused, all or none', () => {
    const host = solo({ overrides: { maxUncommittedBytes: 100 } });
    makeLeader(host, 2);
    expect(host.raft.propose([new Uint8Array(500)])).toEqual({ from: 2 });
    expect(host.raft.propose([new Uint8Array(1), new Uint8Array(1)])).toEqual({
      code: 'ProposalDropped',
      reason: 'uncommittedBytes',
    });
    host.drain();
    host.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 2 }));
    expect(host.raft.propose([new Uint8Array(1)])).toEqual({ from: 3 });
  });

  it('committed entries stop being handed out while too many bytes are unapplied', () => {
    const host = solo();
    makeLeader(host, 2);
    host.drain();
    const big = 1 << 20;
    for (let i = 0; i < 20; i += 1) {
      host.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: host.raft.status().lastIndex }));
      host.raft.propose([new Uint8Array(big)]);
      host.drain();
    }
    host.restart();
    host.raft.step(message('heartbeat', 2, 1, 2, { commit: 20 }));
    let handedOut = 0;
    let last = 0;
    for (let ready = host.raft.ready(); ready !== undefined; ready = host.raft.ready()) {
      if (ready.append !== undefined) host.raft.appended(ready.append.sequence);
      handedOut += ready.committed.length;
      last = ready.committed.at(-1)?.index ?? last;
    }
    expect(handedOut).toBe(17);
    host.raft.applied(asLogIndex(last));
    expect(host.raft.ready()?.committed[0]?.index).toBe(18);
  });
});
