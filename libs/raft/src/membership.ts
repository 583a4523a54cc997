import { decodeConfiguration, encodeConfiguration, isJoint, isVoter, membersOf } from './configuration.js';
import type { Core } from './core.js';
import { Progress } from './progress.js';
import { finishRound } from './read-index.js';
import { advanceCommit, appendAsLeader } from './replication.js';
import { becomeFollower } from './roles.js';
import { noMember, type Configuration, type Entry } from './types.js';

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
  if (!isVoter(configuration, core.id)) {
    // A leader that was removed, or is now a learner, has led until here so that the change could commit.
    becomeFollower(core, core.currentTerm, noMember);
    return;
  }
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
}

/** A joint configuration that is applied is left at once, by whoever leads then (dissertation §4.3). */
function leaveJoint(core: Core): void {
  const { configuration, log } = core;
  if (core.role !== 'leader' || !isJoint(configuration) || log.applied < core.pendingConfigurationIndex)
    return;
  const { voters, learners } = configuration;
  appendAsLeader(core, 'configuration', encodeConfiguration({ voters, votersOutgoing: [], learners }));
  core.pendingConfigurationIndex = log.lastIndex;
}
