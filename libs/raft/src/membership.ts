import { changeConfiguration } from './configuration-change.js';
import { decodeConfiguration, encodeConfiguration, isJoint, isVoter, membersOf } from './configuration.js';
import type { Core } from './core.js';
import { Progress } from './progress.js';
import { hasQuorum } from './quorum.js';
import { finishRound } from './read-index.js';
import { advanceCommit, appendAsLeader } from './replication.js';
import { becomeFollower } from './roles.js';
import {
  asLogIndex,
  noMember,
  type Configuration,
  type ConfigurationChange,
  type ConfigurationRefusal,
  type ConfigurationRefusalReason,
  type Entry,
  type LogIndex,
  type MemberId,
} from './types.js';

/** A learner with this part of the leader's log is near enough to vote: what it lacks then holds no commit up for long. */
const promotablePart = 0.9;

/** See RaftServer.proposeConfiguration. */
export function proposeConfiguration(
  core: Core,
  changes: readonly ConfigurationChange[],
  context: Uint8Array,
): { readonly index: LogIndex } | ConfigurationRefusal {
  if (core.role !== 'leader') return { code: 'NotLeader', leader: core.leader };
  if (core.transferee !== noMember || !isVoter(core.configuration, core.id)) return refuse('transferring');
  // Of all changes that could be in the log, only applied ones count for quorums: two at once may have disjoint majorities.
  if (core.pendingConfigurationIndex > core.log.applied || isJoint(core.configuration))
    return refuse('pending');
  const changed = changeConfiguration(core.configuration, changes, context);
  if (typeof changed === 'string') return refuse(changed);
  if (changes.some(({ type, id }) => type === 'promote' && !isCaughtUp(core, id))) return refuse('laggard');
  if (wouldLoseQuorum(core, changed)) return refuse('quorumLoss');
  appendConfiguration(core, changed);
  return { index: asLogIndex(core.log.lastIndex) };
}

const refuse = (reason: ConfigurationRefusalReason): ConfigurationRefusal => ({
  code: 'ConfigurationRefused',
  reason,
});

function isCaughtUp(core: Core, id: MemberId): boolean {
  const progress = core.progress.get(id);
  return progress?.active === true && progress.matchIndex >= core.log.lastIndex * promotablePart;
}

/** A change of context alone is always allowed: it may be what brings a lost member back. */
function wouldLoseQuorum(core: Core, changed: Configuration): boolean {
  if (!isJoint(changed) && changed.voters.join() === core.configuration.voters.join()) return false;
  return !hasQuorum(changed, (id) => id === core.id || core.progress.get(id)?.active === true);
}

function appendConfiguration(core: Core, configuration: Configuration): void {
  appendAsLeader(core, 'configuration', encodeConfiguration(configuration));
  core.pendingConfigurationIndex = core.log.lastIndex;
}

/** Configurations take effect when applied: what has been handed out waits here for that. */
export function noteConfigurations(core: Core, committed: readonly Entry[]): void {
  for (const entry of committed) {
    if (entry.type !== 'configuration') continue;
    core.unappliedConfigurations.push({ index: entry.index, configuration: decodeConfiguration(entry.data) });
  }
}

export function applyConfigurations(core: Core): void {
  for (;;) {
    const next = core.unappliedConfigurations[0];
    if (next === undefined || next.index > core.log.applied) break;
    core.unappliedConfigurations.shift();
    adopt(core, next.configuration);
  }
  leaveJoint(core);
}

function adopt(core: Core, configuration: Configuration): void {
  core.configuration = configuration;
  if (core.role !== 'leader') return;
  const members = new Set(membersOf(configuration));
  for (const id of core.progress.keys()) if (!members.has(id)) core.progress.delete(id);
  for (const id of members) {
    if (id === core.id || core.progress.has(id)) continue;
    const progress = new Progress(id, core.log.lastIndex, core.options);
    // Its first election timeout is not held against it.
    progress.recentlyActive = true;
    core.progress.set(id, progress);
  }
  if (!configuration.voters.includes(core.transferee)) core.transferee = noMember;
  advanceCommit(core);
  finishRound(core);
  retireIfRemoved(core);
}

/**
 * A leader that was removed takes no more proposals, but leads on until a quorum of the others holds its whole log: with a
 * longer log than theirs, and no right to stand, it could keep them from electing anybody. Then one of them takes over.
 */
export function retireIfRemoved(core: Core): void {
  const { configuration, log } = core;
  if (core.role !== 'leader' || isVoter(configuration, core.id)) return;
  const holdsAll = (id: MemberId): boolean => core.progress.get(id)?.matchIndex === log.lastIndex;
  if (!hasQuorum(configuration, holdsAll)) return;
  const successor = configuration.voters.find(holdsAll);
  if (successor !== undefined) core.send('timeoutNow', successor);
  becomeFollower(core, core.currentTerm, noMember);
}

/** A joint configuration that is applied is left at once, by whoever leads then (dissertation §4.3). */
function leaveJoint(core: Core): void {
  const { configuration, log } = core;
  if (core.role !== 'leader' || !isJoint(configuration) || log.applied < core.pendingConfigurationIndex)
    return;
  appendConfiguration(core, { ...configuration, votersOutgoing: [] });
}
