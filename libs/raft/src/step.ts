import type { Core } from './core.js';
import { onVoteRequest, onVoteResponse, withinLease } from './election.js';
import { heedLeader, onAppendEntries, onHeartbeat, onInstallSnapshot } from './following.js';
import { isFromLeader, isWellFormed } from './messages.js';
import { retireIfRemoved } from './membership.js';
import { onReadIndex, onReadIndexResponse } from './read-index.js';
import { onAppendResponse, onHeartbeatResponse } from './replication.js';
import { becomeFollower } from './roles.js';
import { onTimeoutNow } from './transfer.js';
import { noMember, type Message } from './types.js';

/** The rules for a message of any sender: first its term (paper §5.1), then what it says. */
export function stepMessage(core: Core, message: Message): void {
  if (message.to !== core.id || !isWellFormed(message)) return;
  if (message.type === 'readIndex') {
    onReadIndex(core, message);
    return;
  }
  if (message.term > core.currentTerm && !acceptHigherTerm(core, message)) return;
  if (message.term < core.currentTerm) answerLowerTerm(core, message);
  else dispatch(core, message);
}

/** Moves to the higher term, if the message is reason enough. False when the message is to be ignored. */
function acceptHigherTerm(core: Core, message: Message): boolean {
  const { type } = message;
  const asksForVote = type === 'requestVote' || type === 'preVote';
  if (asksForVote && !message.transfer && withinLease(core)) return false;
  // A PreVote is about a term that nobody is in yet.
  if (type === 'preVote' || (type === 'preVoteResponse' && !message.reject)) return true;
  becomeFollower(core, message.term, isFromLeader(type) ? message.from : noMember);
  return true;
}

/**
 * A leader of an old term must learn that it is one, or a server that went ahead of the term alone
 * could never be reached again; a pre-candidate of an old term likewise. All else is silence.
 */
function answerLowerTerm(core: Core, message: Message): void {
  if (isFromLeader(message.type)) core.send('appendEntriesResponse', message.from, { reject: true });
  else if (message.type === 'preVote') core.send('preVoteResponse', message.from, { reject: true });
}

function dispatch(core: Core, message: Message): void {
  switch (message.type) {
    case 'preVote':
    case 'requestVote':
      return onVoteRequest(core, message);
    case 'preVoteResponse':
      // A grant names the term that was asked for, a refusal the refuser's own.
      if (message.reject || message.term === core.currentTerm + 1) onVoteResponse(core, message);
      return;
    case 'requestVoteResponse':
      return onVoteResponse(core, message);
    case 'appendEntries':
      if (heedLeader(core, message)) onAppendEntries(core, message);
      return;
    case 'heartbeat':
      if (heedLeader(core, message)) onHeartbeat(core, message);
      return;
    case 'installSnapshot':
      if (heedLeader(core, message)) onInstallSnapshot(core, message);
      return;
    case 'appendEntriesResponse':
      onAppendResponse(core, message);
      return retireIfRemoved(core);
    case 'heartbeatResponse':
      return onHeartbeatResponse(core, message);
    case 'readIndexResponse':
      return onReadIndexResponse(core, message);
    case 'timeoutNow':
      return onTimeoutNow(core);
    case 'readIndex':
    case 'propose':
      return;
  }
}
