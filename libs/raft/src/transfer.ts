import type { Core } from './core.js';
import { campaignForTransfer } from './election.js';
import { finishTransfer } from './replication.js';
import { noMember, type MemberId, type Refusal } from './types.js';

/**
 * Leadership transfer (dissertation §3.10): proposals stop, the target is brought up to date, then told to
 * campaign. Given up after one election timeout. A target that does not vote is refused as `removed`.
 */
export function requestTransfer(core: Core, to: MemberId): Refusal | undefined {
  if (core.role !== 'leader') return { code: 'NotLeader', leader: core.leader };
  if (!core.configuration.voters.includes(to)) return { code: 'ProposalDropped', reason: 'removed' };
  if (to === core.id) {
    core.transferee = noMember;
    return undefined;
  }
  if (to === core.transferee) return undefined;
  core.transferee = to;
  core.electionElapsed = 0;
  const progress = core.progress.get(to);
  if (progress !== undefined) finishTransfer(core, progress);
  return undefined;
}

export function abortTransfer(core: Core): void {
  core.transferee = noMember;
}

/** The leader asks this server to take over. */
export function onTimeoutNow(core: Core): void {
  campaignForTransfer(core);
}
