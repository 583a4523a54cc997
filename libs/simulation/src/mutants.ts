/** A bug that is planted in the product's source for one run of the simulator, and nowhere else. */
export interface Mutant {
  /** Number in the design's list of what must never happen, and a letter where there are several ways to it. */
  readonly id: string;
  readonly breaks: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
}

const raft = 'libs/raft/src';
const consensus = 'libs/consensus/src';
const mvcc = 'libs/mvcc/src';

/** Bugs that the swarm must find; their numbers are those of the design's list. */
export const mutants: readonly Mutant[] = [
  {
    id: '1',
    breaks: 'commits by counting replicas of an earlier term’s entry',
    file: `${raft}/replication.ts`,
    text: 'if (index <= log.committed || log.term(index) !== core.currentTerm) return;',
    replacement: 'if (index <= log.committed) return;',
  },
  {
    id: '2',
    breaks: 'votes and acknowledges before it is durable',
    file: `${raft}/ready.ts`,
    text: 'if (sequence > 0) this.held.push({ sequence, messages });',
    replacement: 'if (sequence < 0) this.held.push({ sequence, messages });',
  },
  {
    id: '3',
    breaks: 'votes without looking at the candidate’s last entry',
    file: `${raft}/election.ts`,
    text: 'const granted = mayVote && upToDate;',
    replacement: 'const granted = mayVote;',
  },
  {
    id: '4',
    breaks: 'truncates on any append instead of only on conflict',
    file: `${raft}/following.ts`,
    text: 'const first = entries[at];\n  if (first === undefined) return;',
    replacement: 'at = 0;\n  const first = entries[at];\n  if (first === undefined) return;',
  },
  {
    id: '5a',
    breaks: 'a delayed shorter acknowledgement lowers match',
    file: `${raft}/progress.ts`,
    text: 'if (index <= this.matchIndex) return false;\n    this.matchIndex = index;',
    replacement: 'this.matchIndex = index;',
  },
  {
    id: '5b',
    breaks: 'a delayed shorter append lowers commit',
    file: `${raft}/following.ts`,
    text: 'log.committed = Math.max(log.committed, Math.min(message.commit, lastMatched));',
    replacement: 'log.committed = Math.min(message.commit, lastMatched);',
  },
  {
    id: '6',
    breaks: 'commits what the leader has, beyond what was matched',
    file: `${raft}/following.ts`,
    text: 'Math.min(message.commit, lastMatched)',
    replacement: 'Math.min(message.commit, log.lastIndex)',
  },
  {
    id: '7a',
    breaks: 'advances commit on a rejection',
    file: `${raft}/replication.ts`,
    text: 'progress.rejected(message.logIndex, hint);\n    return;',
    replacement: 'progress.rejected(message.logIndex, hint);',
  },
  {
    id: '7b',
    breaks: 'advances commit on a stale term’s acknowledgement',
    file: `${raft}/step.ts`,
    text: 'if (message.term < core.currentTerm) answerLowerTerm(core, message);',
    replacement:
      "if (message.term < core.currentTerm && message.type !== 'appendEntriesResponse') answerLowerTerm(core, message);",
  },
  {
    id: '8a',
    breaks: 'counts a vote twice',
    file: `${raft}/election.ts`,
    text: 'if (!core.votes.has(from)) core.votes.set(from, granted);',
    replacement: 'core.votes.set((core.votes.has(from) ? (from % 3) + 1 : from) as MemberId, granted);',
  },
  {
    id: '8b',
    breaks: 'counts learners',
    file: `${raft}/quorum.ts`,
    text: 'const incoming = majorityIndex(c.voters, matchOf);',
    replacement: 'const incoming = majorityIndex([...c.voters, ...c.learners], matchOf);',
  },
  {
    id: '8c',
    breaks: 'ignores the outgoing half of a joint quorum',
    file: `${raft}/quorum.ts`,
    text: '  return c.votersOutgoing.length === 0\n    ? incoming\n    : Math.min(incoming, majorityIndex(c.votersOutgoing, matchOf));',
    replacement: '  return incoming;',
  },
  {
    id: '9',
    breaks: 'answers ReadIndex before an entry of its term is committed',
    file: `${raft}/read-index.ts`,
    text: 'if (log.term(log.committed) !== core.currentTerm) return;',
    replacement: '',
  },
  {
    id: '10',
    breaks: 'uses ReadIndex ids again',
    file: `${raft}/read-queue.ts`,
    text: 'this.nextId += 1;',
    replacement: '',
  },
  {
    id: '11',
    breaks: 'serves a read before its index is applied',
    file: `${consensus}/replica/read-barrier.ts`,
    text: 'this.#answered.filter((answered) => answered.index <= index)',
    replacement: 'this.#answered.slice()',
  },
  {
    id: '13a',
    breaks: 'PreVote changes the term',
    file: `${raft}/step.ts`,
    text: "if (type === 'preVote' || (type === 'preVoteResponse' && !message.reject)) return true;",
    replacement: "if (type === 'preVoteResponse' && !message.reject) return true;",
  },
  {
    id: '13b',
    breaks: 'a server that does not hear a healthy leader deposes it',
    file: `${raft}/step.ts`,
    text: 'if (asksForVote && !message.transfer && withinLease(core)) return false;',
    replacement: '',
  },
  {
    id: '14',
    breaks: 'a leader that is not heard does not step down: nobody can take over',
    file: `${raft}/election.ts`,
    text: 'if (!active) becomeFollower(core, core.currentTerm, noMember);',
    replacement: 'void active;',
  },
  {
    id: '15',
    breaks: 'begins a change of membership while one is unapplied',
    file: `${raft}/membership.ts`,
    text: 'if (core.pendingConfigurationIndex > core.log.applied || isJoint(core.configuration))',
    replacement: 'if (isJoint(core.configuration))',
  },
  {
    id: '16',
    breaks: 'stands for election with an unapplied change of membership',
    file: `${raft}/election.ts`,
    text: "if (entry.type === 'configuration' && entry.index <= log.committed) return true;",
    replacement: '',
  },
  {
    id: '17',
    breaks: 'changes members before an entry of its term is committed',
    file: `${raft}/roles.ts`,
    text: 'core.pendingConfigurationIndex = core.log.lastIndex;',
    replacement: '',
  },
  {
    id: '18',
    breaks: 'a learner that does not know of its promotion refuses to vote',
    file: `${raft}/election.ts`,
    text: 'const granted = mayVote && upToDate;',
    replacement: 'const granted = mayVote && upToDate && core.configuration.voters.includes(core.id);',
  },
  {
    id: '19b',
    breaks: 'drops the membership of a snapshot',
    file: `${raft}/following.ts`,
    text: 'core.configuration = snapshot.configuration;',
    replacement: '',
  },
  {
    id: '19a',
    breaks: 'installs a snapshot older than its commit index',
    file: `${raft}/following.ts`,
    text: 'if (snapshot.index > log.committed) {',
    replacement: 'if (snapshot.index > 0) {',
  },
  {
    id: '20',
    breaks: 'applies what it had been handed before a snapshot that was installed',
    file: `${consensus}/thread/consensus-thread.ts`,
    text: '// What waits is part of the snapshot.\n        this.#waiting = [];',
    replacement: '',
  },
  {
    id: '21',
    breaks: 'an old write’s completion marks new entries durable',
    file: `${raft}/log.ts`,
    text: 'for (const work of this.inFlight) work.validTo = Math.min(work.validTo, index - 1);',
    replacement: '',
  },
  {
    id: '22',
    breaks: 'releases the log before its snapshot is durable',
    file: `${consensus}/replica/snapshotter.ts`,
    text: 'const started = clock.now();',
    replacement: 'const started = clock.now();\n    onDurable(metadata, metadata.index);',
  },
  {
    id: '23a',
    breaks: 'takes a torn tail for damage',
    file: `${consensus}/log/replay.ts`,
    text: 'if (torn) zeroTail(path, at, disk);',
    replacement: "if (torn) throw damaged(path, at, 'it ends in something else than zeros');",
  },
  {
    id: '23b',
    breaks: 'takes damage in the middle for a torn tail',
    file: `${consensus}/log/replay.ts`,
    text: 'header.sequence > expected',
    replacement: 'header.sequence < 0',
  },
  {
    id: '24',
    breaks: 'saves the applied index apart from the data',
    file: `${consensus}/replica/state.ts`,
    text: 'return { index: asLogIndex(this.#store.appliedIndex), term',
    replacement: 'return { index: asLogIndex(this.#store.appliedIndex - 1), term',
  },
  {
    id: '25',
    breaks: 'applies a retried proposal twice',
    file: `${mvcc}/sessions.ts`,
    text: 'if (known !== undefined) return known;',
    replacement: 'if (known !== undefined) return undefined;',
  },
  {
    id: '26a',
    breaks: 'takes proposals while it hands over',
    file: `${raft}/server.ts`,
    text: "if (core.transferee !== noMember) return { code: 'ProposalDropped', reason: 'transferring' };\n    const from",
    replacement: 'const from',
  },
  {
    id: '26b',
    breaks: 'never gives a transfer up',
    file: `${raft}/server.ts`,
    text: 'abortTransfer(core);\n',
    replacement: '\n',
  },
  {
    id: '27',
    breaks: 'applies in the order of a map that differs between replicas',
    file: `${mvcc}/leases.ts`,
    text: 'const keys = [...this.held.get(id)!.keys].sort();',
    replacement: 'const keys = [...this.held.get(id)!.keys];',
  },
  {
    id: '28a',
    breaks: 'compaction lowers the compacted revision',
    file: `${mvcc}/key-space.ts`,
    text: 'compact(revision: Revision): void {\n    this.compactedRevision = revision;',
    replacement:
      'compact(revision: Revision): void {\n    this.compactedRevision = (revision - 30) as Revision;',
  },
  {
    id: '28b',
    breaks: 'compaction drops deletes that a watch may still ask for',
    file: `${mvcc}/key-space.ts`,
    text: 'if (event === undefined || event.keyValue.modRevision >= this.compactedRevision) return false;',
    replacement:
      "if (event === undefined || event.keyValue.modRevision >= this.compactedRevision + (event.type === 'delete' ? 8 : 0)) return false;",
  },
  {
    id: '29',
    breaks: 'a restored backup uses revisions again',
    file: `${mvcc}/store.ts`,
    text: 'keys.revision = asRevision(revision);',
    replacement: '',
  },
];
