import type { Core } from './core.js';
import { membersOf } from './configuration.js';
import { Progress } from './progress.js';
import { dropReads } from './read-index.js';
import { appendEmptyEntry } from './replication.js';
import { asTerm, noMember, type MemberId, type Term } from './types.js';

/** What every change of role begins with: everything that belonged to the old one is given up. */
function enter(core: Core, role: Core['role'], term: Term, leader: MemberId): void {
  if (term !== core.currentTerm) {
    core.currentTerm = term;
    core.votedFor = noMember;
  }
  dropReads(core);
  core.role = role;
  core.leader = leader;
  core.drawElectionTimeout();
  core.heartbeatElapsed = 0;
  core.hurriedCampaignIn = 0;
  core.takeoverDue = false;
  core.votes.clear();
  core.progress.clear();
  core.transferee = noMember;
  core.uncommitted.clear();
  core.pendingConfigurationIndex = 0;
}

export function becomeFollower(core: Core, term: Term, leader: MemberId): void {
  enter(core, 'follower', term, leader);
}

/** Asks whether an election could be won; neither term nor vote changes (dissertation §9.6). */
export function becomePreCandidate(core: Core): void {
  enter(core, 'preCandidate', core.currentTerm, noMember);
}

export function becomeCandidate(core: Core): void {
  enter(core, 'candidate', asTerm(core.currentTerm + 1), noMember);
  core.votedFor = core.id;
}

export function becomeLeader(core: Core): void {
  enter(core, 'leader', core.currentTerm, core.id);
  const lastIndex = core.log.lastIndex;
  for (const id of membersOf(core.configuration)) {
    if (id !== core.id) core.progress.set(id, new Progress(id, lastIndex, core.options));
  }
  appendEmptyEntry(core);
  // The tail may hold a configuration entry of an earlier leader: all of it counts as pending. So does
  // the empty entry: no change of membership before this term has committed something (dissertation §4.1).
  core.pendingConfigurationIndex = core.log.lastIndex;
}
