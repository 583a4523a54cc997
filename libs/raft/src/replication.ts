import type { Core } from './core.js';
import { entryOverheadBytes } from './limits.js';
import type { Progress } from './progress.js';
import { quorumIndex } from './quorum.js';
import { acknowledgeRound } from './read-index.js';
import { asLogIndex, type Entry, type MemberId, type Message } from './types.js';

const noData = new Uint8Array(0);

/** The empty entry by which a new leader commits what earlier terms left (paper §5.4.2, §8). */
export function appendEmptyEntry(core: Core): void {
  appendAsLeader(core, 'normal', noData);
}

/** One entry behind the leader's log. It is sent with the next Ready. */
export function appendAsLeader(core: Core, type: Entry['type'], data: Uint8Array): void {
  const index = asLogIndex(core.log.lastIndex + 1);
  core.log.append({ term: core.currentTerm, index, type, data });
}

/** Sends every follower what its window allows. Called once a Ready, so that a burst shares messages. */
export function replicateToAll(core: Core): void {
  for (const progress of core.progress.values()) {
    while (sendNext(core, progress));
  }
}

/** True when another append may follow at once. */
function sendNext(core: Core, progress: Progress): boolean {
  if (progress.paused) return false;
  const { log } = core;
  const previous = progress.nextIndex - 1;
  const logTerm = log.term(previous);
  if (logTerm === undefined || progress.nextIndex < log.firstIndex) {
    sendSnapshot(core, progress);
    return false;
  }
  const entries = log.entries(progress.nextIndex, core.options.maxBytesPerMessage);
  if (entries.length === 0 && progress.sentCommit >= log.shownCommit) return false;
  core.send('appendEntries', progress.id, { logIndex: previous, logTerm, commit: log.shownCommit, entries });
  progress.sent(entries, log.shownCommit);
  return entries.length > 0 && progress.state === 'replicate';
}

/** For a follower behind the start of the log. The host streams the bytes when it sees the message. */
function sendSnapshot(core: Core, progress: Progress): void {
  const snapshot = core.log.snapshot();
  if (!progress.recentlyActive || snapshot === undefined) return;
  core.send('installSnapshot', progress.id, { snapshot });
  progress.becomeSnapshot(snapshot.index);
}

export function onAppendResponse(core: Core, message: Message): void {
  const progress = core.progress.get(message.from);
  if (progress === undefined || message.logIndex > core.log.lastIndex) return;
  progress.recentlyActive = true;
  if (message.reject) {
    const hint =
      message.logTerm > 0
        ? core.log.agreementBefore(message.rejectHint, message.logTerm)
        : message.rejectHint;
    progress.rejected(message.logIndex, hint);
    return;
  }
  const advanced = progress.acknowledged(message.logIndex);
  const agrees = message.logIndex === progress.matchIndex;
  const reachable = progress.matchIndex + 1 >= core.log.firstIndex;
  if ((progress.state === 'probe' && agrees) || (progress.state === 'snapshot' && reachable)) {
    progress.becomeReplicate();
  }
  if (!advanced) return;
  advanceCommit(core);
  finishTransfer(core, progress);
}

export function onHeartbeatResponse(core: Core, message: Message): void {
  const progress = core.progress.get(message.from);
  if (progress === undefined) return;
  progress.recentlyActive = true;
  progress.probeAgain();
  if (progress.state === 'replicate' && progress.inflight.count > 0) {
    if (progress.matchAtHeartbeat === progress.matchIndex) pokeStalled(core, progress);
    progress.matchAtHeartbeat = progress.matchIndex;
  }
  acknowledgeRound(core, message.from, message.context);
}

/**
 * An empty append behind all that is in flight: if any of it was lost, the refusal brings us back to probing.
 * Where the log no longer reaches back that far, a probe finds out that the follower needs a snapshot.
 */
function pokeStalled(core: Core, progress: Progress): void {
  const previous = progress.nextIndex - 1;
  const logTerm = core.log.term(previous);
  if (logTerm === undefined) progress.becomeProbe();
  else core.send('appendEntries', progress.id, { logIndex: previous, logTerm, commit: core.log.shownCommit });
}

/**
 * The commit rule (paper §5.4.2): what a quorum holds durably is committed once its entry is of this
 * leader's term; earlier terms' entries are committed only along with one. This server counts
 * itself like any other, when its own disk is done.
 */
export function advanceCommit(core: Core): void {
  const { log } = core;
  const index = quorumIndex(core.configuration, (id) =>
    id === core.id ? log.durableTo : (core.progress.get(id)?.matchIndex ?? 0),
  );
  if (index <= log.committed || log.term(index) !== core.currentTerm) return;
  log.committed = index;
  core.uncommitted.release(index);
}

/** A transfer's target that holds the whole log is told to campaign at once (dissertation §3.10). */
export function finishTransfer(core: Core, progress: Progress): void {
  if (core.transferee === progress.id && progress.matchIndex === core.log.lastIndex) {
    core.send('timeoutNow', progress.id);
  }
}

/** Messages to this follower were lost, or its connection was. */
export function onUnreachable(core: Core, peer: MemberId): void {
  const progress = core.progress.get(peer);
  if (progress?.state === 'replicate') progress.becomeProbe();
}

export function onSnapshotSent(core: Core, peer: MemberId, ok: boolean): void {
  const progress = core.progress.get(peer);
  if (progress?.state !== 'snapshot') return;
  if (!ok) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  // The follower's own answer, or the next heartbeat's, decides: no new stream right behind a failed one.
  progress.probeSent = true;
}

/** Appends proposals, all or none, within the bound on uncommitted bytes; one batch always fits an idle leader. */
export function appendProposals(core: Core, data: readonly Uint8Array[]): boolean {
  const from = core.log.lastIndex + 1;
  let bytes = 0;
  for (const each of data) bytes += each.length + entryOverheadBytes;
  if (core.uncommitted.count > 0 && core.uncommitted.bytes + bytes > core.options.maxUncommittedBytes)
    return false;
  for (const each of data) appendAsLeader(core, 'normal', each);
  core.uncommitted.add(from + data.length - 1, bytes);
  return true;
}
