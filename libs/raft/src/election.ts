import { isVoter, membersOf } from './configuration.js';
import type { Core } from './core.js';
import { invariant } from './invariant.js';
import { maxCommittedBytesPerReady } from './limits.js';
import { hasQuorum, voteResult } from './quorum.js';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.js';
import { asTerm, noMember, type MemberId, type Message } from './types.js';

/** Stands for election if it may; first asks by PreVote whether it could win. */
export function campaign(core: Core): void {
  if (core.role !== 'leader' && mayCampaign(core)) callForPreVotes(core);
}

function callForPreVotes(core: Core): void {
  becomePreCandidate(core);
  askForVotes(core, 'preVote', core.currentTerm + 1, false);
  recordVote(core, core.id, true);
}

/** Stands at once, at a leader's bidding: its lease does not speak against this candidate. */
export function campaignForTransfer(core: Core): void {
  if (core.role === 'leader') return;
  // What is to be applied may be the change that lets it vote.
  core.takeoverDue = awaitsConfiguration(core);
  if (core.promotable && !core.takeoverDue) standForElection(core, true);
}

/**
 * Asked for its vote, it refuses for its longer log, and by its own configuration it does not vote at all: that is behind
 * the asker's, or ahead of it (promoted, or removed, while the tail of its log had not reached the others). The asker may
 * win without this vote or never: so who holds that tail stands in its stead, for the votes of its own configuration.
 */
function standIn(core: Core): void {
  if (isVoter(core.configuration, core.id) || core.log.restoring || awaitsConfiguration(core)) return;
  callForPreVotes(core);
}

/**
 * Its own vote and its request rest on the same disk write: were the request sent before, a crash could
 * bring back the same term with a shorter log, and late votes for the longer one would elect it.
 */
function standForElection(core: Core, transfer: boolean): void {
  becomeCandidate(core);
  core.promise('requestVoteResponse', core.id);
  askForVotes(core, 'requestVote', core.currentTerm, transfer);
}

function askForVotes(core: Core, type: 'preVote' | 'requestVote', term: number, transfer: boolean): void {
  const claim = { logIndex: core.log.lastIndex, logTerm: core.log.lastTerm, transfer };
  for (const id of membersOf(core.configuration)) {
    if (id === core.id || !isVoter(core.configuration, id)) continue;
    if (type === 'preVote') core.sendAs(asTerm(term), type, id, claim);
    else core.promise(type, id, claim);
  }
}

function mayCampaign(core: Core): boolean {
  return core.promotable && !awaitsConfiguration(core);
}

/** A committed configuration that is not applied could change who may vote: first apply it. */
function awaitsConfiguration(core: Core): boolean {
  const { log } = core;
  for (let from = log.applied + 1; from <= log.committed;) {
    const entries = log.entries(from, maxCommittedBytesPerReady);
    invariant(entries.length > 0, `the log does not hold committed entry ${from}`);
    for (const entry of entries) {
      if (entry.type === 'configuration' && entry.index <= log.committed) return true;
    }
    from += entries.length;
  }
  return false;
}

function recordVote(core: Core, from: MemberId, granted: boolean): void {
  if (!core.votes.has(from)) core.votes.set(from, granted);
  const result = voteResult(core.configuration, core.votes);
  if (result === 'pending') return;
  if (result === 'lost') becomeFollower(core, core.currentTerm, noMember);
  else if (core.role === 'preCandidate') standForElection(core, false);
  else becomeLeader(core);
}

export function onVoteResponse(core: Core, message: Message): void {
  const awaited = message.type === 'preVoteResponse' ? 'preCandidate' : 'candidate';
  if (core.role === awaited) recordVote(core, message.from, !message.reject);
}

/** A leader heard of within an election timeout is protected against candidates that do not hear it. */
export function withinLease(core: Core): boolean {
  return core.leader !== noMember && core.electionElapsed < core.options.electionTicks;
}

/** RequestVote and PreVote (paper §5.2, §5.4.1). Answers whoever asks: the own configuration may be behind. */
export function onVoteRequest(core: Core, message: Message): void {
  const { log } = core;
  const isPreVote = message.type === 'preVote';
  const free = core.votedFor === noMember && core.leader === noMember;
  const mayVote = core.votedFor === message.from || free || (isPreVote && message.term > core.currentTerm);
  const upToDate =
    message.logTerm > log.lastTerm || (message.logTerm === log.lastTerm && message.logIndex >= log.lastIndex);
  const granted = mayVote && upToDate;
  if (isPreVote) {
    core.sendAs(granted ? message.term : core.currentTerm, 'preVoteResponse', message.from, {
      reject: !granted,
    });
  } else if (granted) {
    core.electionElapsed = 0;
    core.hurriedCampaignIn = 0;
    core.votedFor = message.from;
    core.promise('requestVoteResponse', message.from);
  } else {
    core.send('requestVoteResponse', message.from, { reject: true });
  }
  if (isPreVote && !upToDate && core.role !== 'leader') standIn(core);
}

/** CheckQuorum: a leader that has not heard from a quorum for an election timeout no longer claims to lead. */
export function checkQuorum(core: Core): void {
  const active = hasQuorum(
    core.configuration,
    (id) => id === core.id || core.progress.get(id)?.recentlyActive === true,
  );
  for (const progress of core.progress.values()) progress.startPeriod();
  if (!active) becomeFollower(core, core.currentTerm, noMember);
}

/**
 * The leader's connection has closed, so it is most likely dead: forget it, and with it its lease.
 * All followers see this at about the same time; so that they do not split the vote, the first voter
 * by id campaigns now and each next one some ticks later, should those before it not have won.
 */
export function onLeaderLost(core: Core): void {
  const lost = core.leader;
  const rank = membersOf(core.configuration)
    .filter((id) => id !== lost && isVoter(core.configuration, id))
    .indexOf(core.id);
  becomeFollower(core, core.currentTerm, noMember);
  if (rank === 0) campaign(core);
  else if (rank > 0) core.hurriedCampaignIn = rank + 1;
}
