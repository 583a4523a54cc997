import type { Core } from './core.js';
import { maxWaitingReads } from './limits.js';
import { hasQuorum } from './quorum.js';
import { asLogIndex, noMember, type MemberId, type Message, type Refusal } from './types.js';

/**
 * Linearizable reads without log entries (Raft dissertation §6.4): the leader notes its commit index,
 * proves by a round of heartbeats that it still led after the reads arrived, and answers. It first needs
 * an entry of its own term committed, since until then its commit index may lag what was acknowledged.
 */
export function requestRead(core: Core, context: number): Refusal | undefined {
  if (core.leader === noMember) return { code: 'NotLeader', leader: noMember };
  if (core.reads.count >= maxWaitingReads) return { code: 'ProposalDropped', reason: 'tooManyReads' };
  core.reads.waiting.push(context);
  return undefined;
}

/** Starts what can start. Called once a Ready, so that reads of one burst share a round from the first. */
export function advanceReads(core: Core): void {
  if (core.role === 'leader') startRound(core);
  else if (core.leader !== noMember) forward(core);
}

function startRound(core: Core): void {
  const { reads, log } = core;
  if (reads.round !== undefined || (reads.waiting.length === 0 && reads.remote.size === 0)) return;
  if (log.term(log.committed) !== core.currentTerm) return;
  reads.round = {
    id: reads.takeId(),
    index: log.committed,
    acknowledgedBy: new Set([core.id]),
    local: reads.takeWaiting(),
    remote: reads.takeRemote(),
  };
  broadcastHeartbeat(core);
  finishRound(core);
}

/** Heartbeats carry the round in flight, so that a lost one is made good by the next. */
export function broadcastHeartbeat(core: Core): void {
  const context = core.reads.round?.id ?? 0;
  for (const progress of core.progress.values()) {
    core.send('heartbeat', progress.id, {
      commit: Math.min(progress.matchIndex, core.log.shownCommit),
      context,
    });
  }
}

export function acknowledgeRound(core: Core, from: MemberId, context: number): void {
  const round = core.reads.round;
  if (round === undefined || round.id !== context) return;
  round.acknowledgedBy.add(from);
  finishRound(core);
}

export function finishRound(core: Core): void {
  const { reads } = core;
  const round = reads.round;
  if (round === undefined || !hasQuorum(core.configuration, (id) => round.acknowledgedBy.has(id))) return;
  reads.round = undefined;
  for (const context of round.local) reads.states.push({ context, index: asLogIndex(round.index) });
  for (const [follower, context] of round.remote) {
    core.send('readIndexResponse', follower, { context, logIndex: round.index });
  }
}

/** On a follower: all waiting reads go to the leader as one request. */
function forward(core: Core): void {
  const { reads } = core;
  if (reads.forwarded !== undefined || reads.waiting.length === 0) return;
  reads.forwarded = { id: reads.takeId(), contexts: reads.takeWaiting(), ageTicks: 0 };
  core.sendAs(0, 'readIndex', core.leader, { context: reads.forwarded.id });
}

/** A forwarded request whose answer was lost is asked again, under a new id, with whatever waits. */
export function tickForwardedReads(core: Core): void {
  const { reads } = core;
  if (reads.forwarded === undefined) return;
  reads.forwarded.ageTicks += 1;
  if (reads.forwarded.ageTicks < core.options.electionTicks) return;
  reads.waiting = [...reads.forwarded.contexts, ...reads.waiting];
  reads.forwarded = undefined;
}

export function onReadIndex(core: Core, message: Message): void {
  if (core.role === 'leader') core.reads.remote.set(message.from, message.context);
  else core.send('readIndexResponse', message.from, { context: message.context, reject: true });
}

export function onReadIndexResponse(core: Core, message: Message): void {
  const { reads } = core;
  const forwarded = reads.forwarded;
  if (forwarded === undefined || forwarded.id !== message.context) return;
  reads.forwarded = undefined;
  for (const context of forwarded.contexts) {
    if (message.reject) reads.dropped.push(context);
    else reads.states.push({ context, index: message.logIndex });
  }
}

/** The leader changed or is unknown: nobody will answer these. The host retries or fails them. */
export function dropReads(core: Core): void {
  const { reads } = core;
  reads.dropped.push(
    ...(reads.round?.local ?? []),
    ...(reads.forwarded?.contexts ?? []),
    ...reads.takeWaiting(),
  );
  for (const requests of [reads.round?.remote, reads.takeRemote()]) {
    for (const [follower, context] of requests ?? []) {
      core.send('readIndexResponse', follower, { context, reject: true });
    }
  }
  reads.round = undefined;
  reads.forwarded = undefined;
}
