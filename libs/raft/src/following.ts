import type { Core } from './core.js';
import { dropReads } from './read-index.js';
import { becomeFollower } from './roles.js';
import type { Entry, Message, Term } from './types.js';

/** A leader of this term has spoken. False if that cannot be: this server leads the term itself. */
export function heedLeader(core: Core, message: Message): boolean {
  if (core.role === 'leader') return false;
  if (core.role !== 'follower') becomeFollower(core, core.currentTerm, message.from);
  core.electionElapsed = 0;
  core.hurriedCampaignIn = 0;
  if (core.leader !== message.from) {
    dropReads(core);
    core.leader = message.from;
  }
  return true;
}

/** AppendEntries (paper §5.3). The answer promises that everything up to its index is durable here. */
export function onAppendEntries(core: Core, message: Message): void {
  const { log } = core;
  const { entries, logIndex: previous } = message;
  if (!followsOn(entries, previous, message.logTerm, message.term)) return;
  if (previous < log.committed) {
    // Old news: what is committed is the same in every leader's log, and is not looked at again.
    core.promise('appendEntriesResponse', message.from, { logIndex: log.committed });
    return;
  }
  if (log.term(previous) !== message.logTerm) {
    refuseAppend(core, message);
    return;
  }
  storeNewEntries(core, entries);
  const lastMatched = previous + entries.length;
  log.committed = Math.max(log.committed, Math.min(message.commit, lastMatched));
  core.promise('appendEntriesResponse', message.from, { logIndex: lastMatched });
}

/** Only a conflict truncates: a shorter or older append must not remove what a later one has brought. */
function storeNewEntries(core: Core, entries: readonly Entry[]): void {
  const { log } = core;
  let at = 0;
  while (at < entries.length && log.term((entries[at] as Entry).index) === (entries[at] as Entry).term)
    at += 1;
  const first = entries[at];
  if (first === undefined) return;
  if (first.index <= log.lastIndex) log.truncateFrom(first.index);
  for (; at < entries.length; at += 1) log.append(entries[at] as Entry);
}

/** Tells the leader the last place where the logs can agree, so that it skips a term at a time. */
function refuseAppend(core: Core, message: Message): void {
  const { log } = core;
  const hint = log.agreementBefore(message.logIndex, message.logTerm);
  core.send('appendEntriesResponse', message.from, {
    logIndex: message.logIndex,
    reject: true,
    rejectHint: hint,
    logTerm: log.term(hint) ?? 0,
  });
}

/** A well-formed append: contiguous, with terms that never fall and do not exceed the sender's. */
function followsOn(entries: readonly Entry[], previous: number, previousTerm: Term, term: Term): boolean {
  let index = previous;
  let atLeast = previousTerm;
  for (const entry of entries) {
    index += 1;
    if (entry.index !== index || entry.term < atLeast) return false;
    atLeast = entry.term;
  }
  return atLeast <= term;
}

export function onHeartbeat(core: Core, message: Message): void {
  const { log } = core;
  // The leader sends at most what this server has acknowledged; a larger commit speaks of another log.
  if (message.commit <= log.lastIndex) log.committed = Math.max(log.committed, message.commit);
  core.send('heartbeatResponse', message.from, { context: message.context });
}

/**
 * InstallSnapshot (paper §7), its metadata only: the host steps this once it holds the bytes. Ignored,
 * with the truth as the answer, when it would go back behind the commit index or when the log
 * already holds its last entry; otherwise the Ready's AppendWork names it.
 */
export function onInstallSnapshot(core: Core, message: Message): void {
  const { log } = core;
  const snapshot = message.snapshot;
  if (snapshot === undefined) return;
  if (snapshot.index > log.committed) {
    if (log.term(snapshot.index) === snapshot.term) log.committed = snapshot.index;
    else {
      log.restore(snapshot);
      core.configuration = snapshot.configuration;
      core.unappliedConfigurations.length = 0;
    }
  }
  core.promise('appendEntriesResponse', message.from, { logIndex: log.committed });
}
