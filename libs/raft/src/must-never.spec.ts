import { describe, expect, it } from 'vitest';
import { configurationOf, Group } from '../testing/group.js';
import { Fuzz, seeded } from '../testing/fuzz.js';
import { entriesOf, makeLeader, message, solo, termsOf } from '../testing/solo.js';
import { encodeConfiguration } from './configuration.js';
import { RaftInvariantError } from './invariant.js';
import { asLogIndex, asMemberId, asTerm, type Configuration, type Entry, type MessageType } from './types.js';

/** What must never happen in a consensus core; the numbers are those of the design's list. */

const joint = (voters: number[], votersOutgoing: number[], learners: number[] = []): Configuration => ({
  ...configurationOf(voters, learners),
  votersOutgoing: votersOutgoing.map(asMemberId),
});

function configurationEntry(index: number, term: number, configuration: Configuration): Entry {
  return {
    index: asLogIndex(index),
    term: asTerm(term),
    type: 'configuration',
    data: encodeConfiguration(configuration),
  };
}

describe('votes', () => {
  it('2: a vote, or a request for votes, leaves before the term and the vote are durable', () => {
    const voter = solo();
    voter.diskHeld = true;
    voter.raft.step(message('requestVote', 2, 1, 1));
    expect(voter.drain()).toEqual([]);
    voter.flush();
    expect(voter.drain()).toMatchObject([{ type: 'requestVoteResponse', to: 2, term: 1, reject: false }]);

    const candidate = solo();
    candidate.diskHeld = true;
    for (let i = 0; i < 10; i += 1) candidate.raft.tick();
    candidate.drain();
    candidate.raft.step(message('preVoteResponse', 2, 1, 1));
    expect(candidate.drain()).toEqual([]);
    candidate.flush();
    expect(candidate.drain().map(({ type }) => type)).toEqual(['requestVote', 'requestVote']);
  });

  it('2: a candidate counts its own vote before it is durable', () => {
    const host = solo({ configuration: configurationOf([1]) });
    host.diskHeld = true;
    for (let i = 0; i < 10; i += 1) host.raft.tick();
    host.drain();
    expect(host.raft.status().softState.role).toBe('candidate');
    host.flush();
    expect(host.raft.status().softState.role).toBe('leader');
  });

  it('3: a vote ignores the last entry of the candidate: of a higher index but a lower term', () => {
    const host = solo({ terms: [1, 3] });
    host.raft.step(message('requestVote', 2, 1, 4, { logIndex: 9, logTerm: 2 }));
    expect(host.drain()[0]).toMatchObject({ reject: true });
  });

  it('8: a vote is counted twice', () => {
    const host = solo({ configuration: configurationOf([1, 2, 3, 4, 5]) });
    makeLeader(host, 2, 2, 2);
    expect(host.raft.status().softState.role).toBe('preCandidate');
  });

  it('8: a vote is changed once it is given', () => {
    const host = solo({ configuration: configurationOf([1, 2, 3, 4, 5]) });
    for (let i = 0; i < 10; i += 1) host.raft.tick();
    host.raft.step(message('preVoteResponse', 2, 1, 0, { reject: true }));
    for (const from of [2, 3]) host.raft.step(message('preVoteResponse', from, 1, 1));
    expect(host.raft.status().softState.role).toBe('preCandidate');
  });

  it('8: a learner, or a stranger, votes somebody into office', () => {
    const host = solo({ configuration: configurationOf([1, 2, 3], [4]) });
    makeLeader(host, 4, 9);
    expect(host.raft.status().softState.role).toBe('preCandidate');
  });

  it('8: the outgoing half of a joint quorum is ignored, in elections and in commits', () => {
    const host = solo({ configuration: joint([1, 2, 3], [1, 4, 5]) });
    makeLeader(host, 2, 3);
    expect(host.raft.status().softState.role).toBe('preCandidate');
    const leader = solo({ configuration: joint([1, 2, 3], [1, 4, 5]) });
    makeLeader(leader, 2, 4);
    leader.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 1 }));
    leader.raft.step(message('appendEntriesResponse', 3, 1, 1, { logIndex: 1 }));
    expect(leader.raft.status().commitIndex).toBe(0);
    leader.raft.step(message('appendEntriesResponse', 5, 1, 1, { logIndex: 1 }));
    expect(leader.raft.status().commitIndex).toBe(1);
  });

  it('13: PreVote changes a term, of the asker or of the asked', () => {
    const group = Group.of([1, 2, 3]);
    group.isolate(3);
    for (let round = 0; round < 10; round += 1) {
      group.tick(3, 30);
      group.settle();
    }
    expect(group.term(3)).toBe(0);
    const asked = solo({ terms: [1] });
    asked.raft.step(message('preVote', 2, 1, 9, { logIndex: 5, logTerm: 8 }));
    expect(asked.drain()).toMatchObject([{ type: 'preVoteResponse', term: 9, reject: false }]);
    expect(asked.raft.status().softState.term).toBe(1);
    expect(asked.log.initialState().hardState.term).toBe(1);
  });

  it('13: a server that rejoins deposes a healthy leader', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.isolate(3);
    for (let round = 0; round < 10; round += 1) {
      group.run(10);
      group.tick(3, 30);
    }
    group.heal();
    group.run(5);
    expect(group.leaders()).toEqual([1]);
    expect([1, 2, 3].map((id) => group.term(id))).toEqual([1, 1, 1]);
  });

  it('13: a broken connection deposes a leader that the others hear', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.run(2);
    group.raft(2).connectionLost(asMemberId(1));
    group.settle();
    group.run(2);
    expect(group.leaders()).toEqual([1]);
    expect(group.raft(2).status().softState.leader).toBe(1);
  });

  it('14: an asymmetric partition leaves a group without a leader for ever: the leader hears, but is not heard', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.cutLink(1, 2);
    group.cutLink(1, 3);
    group.run(60);
    expect(group.leaders()).toHaveLength(1);
    expect(group.leaders()).not.toEqual([1]);
  });

  it('14: a follower that is not heard, or does not hear, disturbs nobody', () => {
    for (const [from, to] of [
      [1, 3],
      [3, 1],
    ] as const) {
      const group = Group.of([1, 2, 3]);
      group.elect(1);
      group.cutLink(from, to);
      group.run(100);
      expect(group.leaders()).toEqual([1]);
      expect(group.term(1)).toBe(1);
    }
  });

  it('14: a leader that can be heard, but hears nobody, leads on', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.cutLink(2, 1);
    group.cutLink(3, 1);
    group.run(60);
    expect(group.leaders()).toHaveLength(1);
    expect(group.leaders()).not.toEqual([1]);
  });

  it('16: a server campaigns with a committed membership change that it has not applied', () => {
    const entries = [...entriesOf(1, 1), configurationEntry(2, 1, configurationOf([2, 3]))];
    const host = solo({ entries, commit: 2 });
    for (let i = 0; i < 40; i += 1) host.raft.tick();
    expect(host.raft.status().softState.role).toBe('follower');
    expect(host.drain()).toEqual([]);
    for (let i = 0; i < 40; i += 1) host.raft.tick();
    expect(host.drain(), 'removed, it never campaigns again').toEqual([]);
  });

  it('18: a learner refuses its vote after a promotion that it has not seen', () => {
    const host = solo({ configuration: configurationOf([2, 3], [1]) });
    host.raft.step(message('requestVote', 2, 1, 1));
    expect(host.drain()[0]).toMatchObject({ type: 'requestVoteResponse', reject: false });
  });
});

describe('the log', () => {
  it('1: an entry of an earlier term is committed by counting', () => {
    const host = solo({ terms: [1, 2] });
    makeLeader(host, 2, 3);
    for (const from of [2, 3]) host.raft.step(message('appendEntriesResponse', from, 1, 3, { logIndex: 2 }));
    expect(host.raft.status().commitIndex).toBe(0);
  });

  it('2: an append is acknowledged before it is durable', () => {
    const host = solo();
    host.diskHeld = true;
    host.raft.step(message('appendEntries', 2, 1, 1, { entries: entriesOf(1, 1), commit: 1 }));
    expect(host.drain()).toEqual([]);
    expect(host.applied).toEqual([]);
    host.flush();
    expect(host.drain()).toMatchObject([{ type: 'appendEntriesResponse', logIndex: 1, reject: false }]);
    expect(host.applied).toHaveLength(1);
  });

  it('2: a repeated append is acknowledged while the first is being written', () => {
    const host = solo({ term: 1 });
    host.diskHeld = true;
    const append = message('appendEntries', 2, 1, 1, { entries: entriesOf(1, 1) });
    host.raft.step(append);
    host.drain();
    host.raft.step(append);
    expect(host.drain()).toEqual([]);
  });

  it('2: a leader counts itself before its own disk is done', () => {
    const host = solo({ configuration: configurationOf([1, 2]) });
    makeLeader(host, 2);
    host.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 1 }));
    host.drain();
    host.diskHeld = true;
    host.raft.propose([new Uint8Array(1)]);
    expect(host.drain().filter(({ entries }) => entries.length > 0)).toHaveLength(1);
    host.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 2 }));
    expect(host.raft.status().commitIndex).toBe(1);
    host.flush();
    expect(host.raft.status().commitIndex).toBe(2);
  });

  it('4 and 5: a delayed shorter append truncates the log, or lowers match or commit', () => {
    const host = solo();
    host.raft.step(message('appendEntries', 2, 1, 1, { entries: entriesOf(1, 1, 1, 1), commit: 0 }));
    host.drain();
    host.raft.step(message('appendEntries', 2, 1, 1, { entries: entriesOf(1, 1), commit: 1 }));
    host.drain();
    expect(host.raft.status().lastIndex).toBe(3);
    host.raft.step(message('appendEntries', 2, 1, 1, { logIndex: 3, logTerm: 1, commit: 3 }));
    host.raft.step(message('appendEntries', 2, 1, 1, { entries: entriesOf(1, 1), commit: 1 }));
    host.drain();
    expect(host.raft.status().commitIndex).toBe(3);

    const leader = solo();
    makeLeader(leader, 2);
    leader.raft.propose([new Uint8Array(1)]);
    leader.drain();
    leader.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 2 }));
    leader.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 1 }));
    expect(leader.raft.status()).toMatchObject({
      commitIndex: 2,
      progress: [{ id: 2, matchIndex: 2 }, { id: 3 }],
    });
  });

  it("6: commit follows the leader's beyond the last matched index", () => {
    const host = solo({ terms: [1, 1, 2, 2, 2] });
    host.raft.step(message('appendEntries', 2, 1, 3, { logIndex: 2, logTerm: 1, commit: 5 }));
    host.drain();
    expect(host.raft.status().commitIndex).toBe(2);
    host.raft.step(message('heartbeat', 2, 1, 3, { commit: 99 }));
    host.drain();
    expect(host.raft.status().commitIndex).toBe(2);
  });

  it("7: commit advances on a rejection, or on a stale term's acknowledgement", () => {
    const host = solo({ terms: [1] });
    makeLeader(host, 2);
    host.raft.step(message('appendEntriesResponse', 2, 1, 2, { logIndex: 2, reject: true }));
    host.raft.step(message('appendEntriesResponse', 3, 1, 1, { logIndex: 2 }));
    host.drain();
    expect(host.raft.status().commitIndex).toBe(0);
  });

  it('15: a new leader takes a membership change in its unapplied tail for done', () => {
    const entries = [...entriesOf(1, 1), configurationEntry(2, 1, joint([1, 2], [1, 2, 3]))];
    const host = solo({ entries });
    makeLeader(host, 2);
    // Nothing is committed yet, so the change in the tail is pending and nothing may follow it.
    expect(host.raft.status()).toMatchObject({ lastIndex: 3, appliedIndex: 0 });
    host.raft.step(message('appendEntriesResponse', 2, 1, 2, { logIndex: 3 }));
    host.drain();
    expect(host.raft.status().configuration).toEqual(joint([1, 2], [1, 2, 3]));
    expect(host.raft.status().lastIndex, 'and now it is left').toBe(4);
  });

  it('17: a joint configuration of an earlier term is left before the new term has committed anything', () => {
    const entries = [...entriesOf(1, 1), configurationEntry(2, 1, joint([1, 2], [1, 2, 3]))];
    const host = solo({ entries, commit: 2 });
    host.drain();
    expect(host.raft.status().configuration.votersOutgoing).toHaveLength(3);
    makeLeader(host, 2, 3);
    host.raft.applied(asLogIndex(2));
    expect(host.raft.status()).toMatchObject({ lastIndex: 3, commitIndex: 2, softState: { role: 'leader' } });
    host.raft.step(message('appendEntriesResponse', 2, 1, 2, { logIndex: 3 }));
    host.drain();
    expect(host.raft.status()).toMatchObject({ lastIndex: 4, commitIndex: 3 });
    host.raft.step(message('appendEntriesResponse', 2, 1, 2, { logIndex: 4 }));
    host.drain();
    expect(host.raft.status().configuration).toEqual(configurationOf([1, 2]));
    expect(host.raft.status().progress.map(({ id }) => id)).toEqual([2]);
  });

  it('15: a second membership change is appended while one is not applied', () => {
    const group = new Group(configurationOf([1, 2, 3], [4]), [1, 2, 3, 4]);
    group.elect(1);
    group.run(1);
    const [leader, other] = [group.raft(1), group.raft(2)];
    expect(group.change(1, ['promote', 4])).toEqual({ index: 2 });
    const pending = { code: 'ConfigurationRefused', reason: 'pending' };
    expect(group.change(1, ['remove', 3])).toEqual(pending);
    // Committed is not enough: it rules once it is applied.
    const host = solo({ configuration: configurationOf([1, 2, 3]) });
    makeLeader(host, 2);
    host.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 1 }));
    host.drain();
    const change = [{ type: 'remove' as const, id: asMemberId(3) }];
    expect(host.raft.proposeConfiguration(change, new Uint8Array(0))).toEqual({ index: 2 });
    host.raft.ready();
    host.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 2 }));
    expect(host.raft.status()).toMatchObject({ appliedIndex: 1 });
    expect(host.raft.proposeConfiguration(change, new Uint8Array(0))).toEqual(pending);
    group.settle();
    expect([leader, other].map((raft) => raft.status().configuration)).toEqual([
      configurationOf([1, 2, 3, 4]),
      configurationOf([1, 2, 3, 4]),
    ]);
    expect(group.change(1, ['remove', 3])).toEqual({ index: 3 });
  });

  it('15: a new leader changes the membership while its tail may hold an earlier change', () => {
    const host = solo({
      entries: [...entriesOf(1, 1), configurationEntry(2, 1, configurationOf([1, 2, 3, 4]))],
    });
    makeLeader(host, 2);
    const change = [{ type: 'remove' as const, id: asMemberId(3) }];
    const pending = { code: 'ConfigurationRefused', reason: 'pending' };
    expect(host.raft.proposeConfiguration(change, new Uint8Array(0))).toEqual(pending);
    // The change in the tail is part of this configuration from here on: server 4 counts.
    host.raft.step(message('appendEntriesResponse', 2, 1, 2, { logIndex: 3 }));
    host.drain();
    expect(host.raft.status().configuration.voters).toEqual([1, 2, 3, 4]);
    expect(host.raft.proposeConfiguration(change, new Uint8Array(0))).toEqual({ index: 4 });
  });

  it('17: a membership change is appended before the new term has committed anything', () => {
    const host = solo({ terms: [1] });
    makeLeader(host, 2);
    const change = [{ type: 'addLearner' as const, id: asMemberId(4) }];
    expect(host.raft.proposeConfiguration(change, new Uint8Array(0))).toMatchObject({ reason: 'pending' });
    host.raft.step(message('appendEntriesResponse', 2, 1, 2, { logIndex: 2 }));
    host.drain();
    expect(host.raft.proposeConfiguration(change, new Uint8Array(0))).toEqual({ index: 3 });
  });

  it('8: a joint change is committed by the majority of one half alone', () => {
    const group = new Group(configurationOf([1, 2, 3], [4, 5, 6]), [1, 2, 3, 4, 5, 6]);
    group.elect(1);
    group.run(1);
    for (const id of [4, 5]) group.isolate(id);
    // The old half is whole; of the new one (1, 4, 5) the leader is alone.
    expect(group.change(1, ['promote', 4], ['promote', 5], ['remove', 2], ['remove', 3])).toEqual({
      index: 2,
    });
    group.settle();
    // The old half alone commits the change; that it is left, and all else, needs both.
    expect(group.raft(1).status()).toMatchObject({ commitIndex: 2, lastIndex: 3 });
    group.heal();
    group.run(25);
    const leader = group.leaders()[0] as number;
    expect(group.raft(leader).status().configuration.voters).toEqual([1, 4, 5]);
    expect(group.raft(leader).status().configuration.votersOutgoing).toEqual([]);
  });

  it('an observer campaigns, votes somebody into office, or is promoted', () => {
    const configuration = { ...configurationOf([1, 2, 3]), observers: [asMemberId(4)] };
    const host = solo({ configuration });
    expect(makeLeader(host, 4)).toEqual([]);
    expect(host.raft.status().softState.role).toBe('preCandidate');
    const group = new Group(configuration, [1, 2, 3, 4]);
    group.tick(4, 100);
    group.settle();
    expect(group.role(4)).toBe('follower');
    group.elect(1);
    expect(group.change(1, ['promote', 4])).toMatchObject({ reason: 'notLearner' });
    group.isolate(2);
    group.isolate(3);
    group.propose(1, 'only the observer has it');
    group.settle();
    expect(group.raft(1).status().commitIndex).toBe(1);
  });

  it('19: what the host knows of the members is lost with a snapshot, a joint change or a restart', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.join(4);
    const context = new TextEncoder().encode('where they are');
    const add = [{ type: 'addLearner' as const, id: asMemberId(4) }];
    group.isolate(4);
    group.raft(1).proposeConfiguration(add, context);
    group.settle();
    group.host(1).compact();
    group.heal();
    group.run(3);
    expect(group.host(4).log.snapshot()?.configuration.context).toEqual(context);
    group.change(1, ['promote', 4]);
    group.raft(1).proposeConfiguration([], context);
    group.settle();
    expect(group.raft(1).proposeConfiguration([], context)).toEqual({ index: 4 });
    group.settle();
    group.restart(1);
    group.run(25);
    for (const id of [1, 2, 3, 4]) {
      const { configuration } = group.raft(id).status();
      expect(configuration).toEqual({ ...configurationOf([1, 2, 3, 4]), context });
    }
  });

  it('a leader that was removed steps down once that is committed', () => {
    const entries = [configurationEntry(1, 1, configurationOf([2, 3]))];
    const host = solo({ entries });
    makeLeader(host, 2);
    expect(host.raft.status().softState.role).toBe('leader');
    host.raft.step(message('appendEntriesResponse', 2, 1, 2, { logIndex: 2 }));
    host.drain();
    // It leads on, but takes nothing more, until the others hold what it holds: its longer log would be in their way.
    expect(host.raft.status().softState.role).toBe('leader');
    expect(host.raft.propose([new Uint8Array(1)])).toEqual({ code: 'ProposalDropped', reason: 'removed' });
    host.raft.step(message('appendEntriesResponse', 3, 1, 2, { logIndex: 2 }));
    expect(host.drain()).toMatchObject([{ type: 'timeoutNow', to: 2 }]);
    expect(host.raft.status().softState.role).toBe('follower');
    expect(host.raft.propose([new Uint8Array(1)])).toMatchObject({ code: 'NotLeader' });
  });

  it("21: an old term's write completion marks new entries at the same indexes durable", () => {
    const host = solo({ terms: [1] });
    host.diskHeld = true;
    host.raft.step(
      message('appendEntries', 2, 1, 2, { logIndex: 1, logTerm: 1, entries: entriesOf(2, 2, 2) }),
    );
    host.drain();
    host.raft.step(
      message('appendEntries', 3, 1, 3, { logIndex: 1, logTerm: 1, entries: entriesOf(2, 3, 3), commit: 3 }),
    );
    host.drain();
    host.flush(1);
    expect(host.drain()).toEqual([]);
    expect(host.applied.map(({ index }) => index)).toEqual([1]);
    host.flush();
    expect(host.drain()).toMatchObject([{ type: 'appendEntriesResponse', to: 3, term: 3, logIndex: 3 }]);
    expect(host.applied.map(({ term }) => term)).toEqual([1, 3, 3]);
  });

  it('21: a write completes out of order, unnoticed', () => {
    const host = solo();
    host.diskHeld = true;
    host.raft.step(message('appendEntries', 2, 1, 1, { entries: entriesOf(1, 1) }));
    host.drain();
    expect(() => host.raft.appended(7)).toThrow(RaftInvariantError);
  });

  it('a committed entry is overwritten', () => {
    const host = solo({ terms: [1, 1], commit: 2 });
    const heretic = message('appendEntries', 2, 1, 2, { logIndex: 2, logTerm: 1, entries: entriesOf(3, 2) });
    host.raft.step(heretic);
    host.raft.step(message('appendEntries', 2, 1, 2, { entries: entriesOf(1, 2, 2) }));
    host.drain();
    expect(termsOf(host)).toEqual([1, 1, 2]);
  });
});

describe('snapshots', () => {
  const snapshot = (index: number, term: number, configuration = configurationOf([1, 2, 3])) => ({
    snapshot: { index: asLogIndex(index), term: asTerm(term), configuration },
  });

  it('19: a snapshot older than commit is installed', () => {
    const host = solo({ terms: [1, 1, 1], commit: 3 });
    host.raft.step(message('installSnapshot', 2, 1, 1, snapshot(2, 1)));
    expect(host.drain()).toMatchObject([{ type: 'appendEntriesResponse', logIndex: 3 }]);
    expect(termsOf(host)).toEqual([1, 1, 1]);
    expect(host.log.snapshot()).toBeUndefined();
  });

  it('19: a snapshot that the log already holds throws its tail away', () => {
    const host = solo({ terms: [1, 1, 1, 1] });
    host.raft.step(message('installSnapshot', 2, 1, 1, snapshot(3, 1)));
    host.drain();
    expect(host.raft.status()).toMatchObject({ commitIndex: 3, lastIndex: 4 });
  });

  it("19: a snapshot's membership is dropped, now or after a restart", () => {
    const host = solo();
    const later = configurationOf([1, 2, 5], [4]);
    host.raft.step(message('installSnapshot', 2, 1, 1, snapshot(9, 1, later)));
    host.drain();
    expect(host.raft.status()).toMatchObject({ configuration: later, appliedIndex: 9, lastIndex: 9 });
    host.restart();
    expect(host.raft.status()).toMatchObject({ configuration: later, appliedIndex: 9, lastIndex: 9 });
  });

  it('20: two snapshots in quick succession, with writes in flight, confuse the log', () => {
    const host = solo();
    host.diskHeld = true;
    host.raft.step(message('installSnapshot', 2, 1, 1, snapshot(5, 1)));
    host.drain();
    host.raft.step(
      message('appendEntries', 2, 1, 1, { logIndex: 5, logTerm: 1, entries: entriesOf(6, 1), commit: 6 }),
    );
    host.drain();
    host.raft.step(message('installSnapshot', 2, 1, 1, snapshot(9, 1)));
    host.raft.step(
      message('appendEntries', 2, 1, 1, { logIndex: 9, logTerm: 1, entries: entriesOf(10, 1), commit: 10 }),
    );
    host.drain();
    host.flush(2);
    host.drain();
    expect(host.applied, 'entry 6 belongs to the second snapshot').toEqual([]);
    host.flush();
    host.drain();
    expect(host.applied.map(({ index }) => index)).toEqual([10]);
    expect(host.raft.status()).toMatchObject({ commitIndex: 10, appliedIndex: 10, lastIndex: 10 });
  });

  it('20: a write from before a snapshot marks entries behind it durable', () => {
    const host = solo();
    host.diskHeld = true;
    host.raft.step(
      message('appendEntries', 2, 1, 1, { entries: entriesOf(1, ...Array<number>(12).fill(1)) }),
    );
    host.drain();
    host.raft.step(message('installSnapshot', 2, 1, 2, snapshot(9, 2)));
    host.raft.step(message('appendEntries', 2, 1, 2, { logIndex: 9, logTerm: 2, entries: entriesOf(10, 2) }));
    host.drain();
    host.flush(1);
    expect(host.drain()).toEqual([]);
    expect(host.raft.status().lastIndex).toBe(10);
    host.flush();
    expect(host.drain().map(({ logIndex }) => logIndex)).toEqual([9, 10]);
  });

  it('20: a snapshot while applying moves the applied index back', () => {
    const host = solo({ terms: [1, 1], commit: 2 });
    const ready = host.raft.ready();
    expect(ready?.committed).toHaveLength(2);
    host.raft.step(message('installSnapshot', 2, 1, 2, snapshot(8, 2)));
    host.drain();
    host.raft.applied(asLogIndex(2));
    expect(host.raft.status().appliedIndex).toBe(8);
  });

  it('20: a server campaigns while its snapshot is being installed', () => {
    const host = solo();
    host.diskHeld = true;
    host.raft.step(message('installSnapshot', 2, 1, 1, snapshot(5, 1)));
    for (let i = 0; i < 40; i += 1) host.raft.tick();
    expect(host.drain()).toEqual([]);
    expect(host.raft.status().softState.role).toBe('follower');
  });
});

describe('reads', () => {
  it('9: a read is answered before an entry of the current term is committed', () => {
    const host = solo({ terms: [1], commit: 1 });
    makeLeader(host, 2);
    host.raft.readIndex(5);
    expect(host.drain().filter(({ context }) => context !== 0)).toEqual([]);
    host.raft.step(message('appendEntriesResponse', 2, 1, 2, { logIndex: 2 }));
    const [heartbeat] = host.drain().filter(({ type }) => type === 'heartbeat');
    expect(host.readStates).toEqual([]);
    host.raft.step(message('heartbeatResponse', 2, 1, 2, { context: heartbeat?.context ?? -1 }));
    host.drain();
    expect(host.readStates).toEqual([{ context: 5, index: 2 }]);
  });

  it('10: an answer to an earlier round, or to an earlier request, serves a later read', () => {
    const host = solo();
    makeLeader(host, 2);
    host.raft.step(message('appendEntriesResponse', 2, 1, 1, { logIndex: 1 }));
    host.drain();
    const round = (): number => host.drain().find(({ type }) => type === 'heartbeat')?.context ?? -1;
    host.raft.readIndex(5);
    const first = round();
    host.raft.step(message('heartbeatResponse', 2, 1, 1, { context: first }));
    host.raft.readIndex(6);
    const second = round();
    expect(second).not.toBe(first);
    host.raft.step(message('heartbeatResponse', 3, 1, 1, { context: first }));
    host.raft.step(message('heartbeatResponse', 3, 1, 1));
    host.drain();
    expect(host.readStates.map(({ context }) => context)).toEqual([5]);
    host.raft.step(message('heartbeatResponse', 3, 1, 1, { context: second }));
    host.drain();
    expect(host.readStates.map(({ context }) => context)).toEqual([5, 6]);
  });

  it('10: a follower asks again under the same id when an answer is late', () => {
    const host = solo({ terms: [1] });
    host.raft.step(message('heartbeat', 2, 1, 1, { commit: 1 }));
    host.drain();
    host.raft.readIndex(5);
    const ids: number[] = [];
    for (let i = 0; i < 20; i += 1) {
      host.raft.tick();
      host.raft.step(message('heartbeat', 2, 1, 1));
      for (const each of host.drain()) if (each.type === 'readIndex') ids.push(each.context);
    }
    expect(ids).toHaveLength(2);
    expect(ids[0]).not.toBe(ids[1]);
    host.raft.step(message('readIndexResponse', 2, 1, 1, { context: ids[0] ?? 0, logIndex: 1 }));
    host.drain();
    expect(host.readStates).toEqual([]);
    host.raft.step(message('readIndexResponse', 2, 1, 1, { context: ids[1] ?? 0, logIndex: 1 }));
    host.drain();
    expect(host.readStates).toEqual([{ context: 5, index: 1 }]);
  });

  it('11: a read point is below what was committed before the read', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.propose(1, 'a');
    group.settle();
    const committed = group.raft(1).status().commitIndex;
    group.raft(3).readIndex(1);
    group.settle();
    expect(group.host(3).readStates[0]?.index).toBeGreaterThanOrEqual(committed);
  });

  it('a learner’s heartbeat response proves that a cut-off leader leads', () => {
    const group = new Group(configurationOf([1, 2, 3], [4]), [1, 2, 3, 4]);
    group.elect(1);
    group.cutLink(2, 1);
    group.cutLink(3, 1);
    group.raft(1).readIndex(1);
    group.settle();
    expect(group.host(1).readStates).toEqual([]);
  });

  it('a deposed leader keeps reads waiting, its own or forwarded ones', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.run(1);
    group.raft(3).readIndex(33);
    group.collect();
    group.deliver();
    group.cutLink(2, 1);
    group.cutLink(3, 1);
    group.raft(1).readIndex(11);
    group.settle();
    group.heal();
    group.raft(1).step(message('appendEntries', 2, 1, 5));
    group.settle();
    expect(group.host(1).droppedReads).toEqual([11]);
    expect(group.host(3).droppedReads).toEqual([33]);
    expect(group.host(3).readStates).toEqual([]);
  });

  it('a read is taken where no leader is known', () => {
    expect(solo().raft.readIndex(1)).toEqual({ code: 'NotLeader', leader: 0 });
  });
});

describe('transfer', () => {
  it('26: proposals are accepted during a transfer, or it never ends', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.isolate(2);
    expect(group.raft(1).transferLeadership(asMemberId(2))).toBeUndefined();
    expect(group.propose(1, 'a')).toEqual({ code: 'ProposalDropped', reason: 'transferring' });
    group.run(9);
    expect(group.raft(1).status().transferee).toBe(2);
    group.run(1);
    expect(group.raft(1).status().transferee).toBe(0);
    expect(group.propose(1, 'a')).toEqual({ from: 2 });
  });

  it('26: a target that is behind is told to campaign', () => {
    const group = Group.of([1, 2, 3]);
    group.elect(1);
    group.kill(2);
    group.propose(1, 'a');
    group.settle();
    group.restart(2);
    group.raft(1).transferLeadership(asMemberId(2));
    group.run(4);
    expect(group.leaders()).toEqual([2]);
    expect(group.texts(2)).toEqual(['a']);
  });

  it('leadership goes to one that does not vote', () => {
    const host = solo({ configuration: configurationOf([1, 2, 3], [4]) });
    makeLeader(host, 2);
    for (const to of [4, 9]) {
      expect(host.raft.transferLeadership(asMemberId(to))).toEqual({
        code: 'ProposalDropped',
        reason: 'removed',
      });
    }
  });
});

describe('everything', () => {
  it('27: the same inputs and the same chance lead to different states', () => {
    const run = (): unknown => {
      const fuzz = new Fuzz(seeded(42), 3);
      fuzz.run(3_000, 0.3);
      fuzz.heal();
      return fuzz.tally;
    };
    expect(run()).toEqual(run());
  });

  it('a peer’s nonsense throws', () => {
    const types = (
      'requestVote requestVoteResponse preVote preVoteResponse appendEntries appendEntriesResponse heartbeat ' +
      'heartbeatResponse installSnapshot readIndex readIndexResponse propose timeoutNow'
    ).split(' ') as MessageType[];
    const random = seeded(7);
    const number = (): number => [0, 1, 2, 3, 5, 1e9, -1, NaN][Math.floor(random() * 8)] as number;
    for (let round = 0; round < 300; round += 1) {
      const host = solo({ terms: [1, 1, 2] });
      if (round % 2 === 0) makeLeader(host, 2);
      for (let i = 0; i < 40; i += 1) {
        const fields = { logIndex: number(), logTerm: number(), rejectHint: number(), context: number() };
        const type = types[Math.floor(random() * types.length)] as MessageType;
        // Whom this server takes for its leader may break the log; nobody may break the server.
        const entries = random() < 0.3 ? entriesOf(number() || 1, 9, 3) : [];
        host.raft.step(message(type, number(), 1, number(), { ...fields, entries, reject: random() < 0.5 }));
        host.drain();
      }
    }
  });
});
