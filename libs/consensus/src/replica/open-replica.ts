import { randomInt } from 'node:crypto';
import { openDataDirectory } from '../data-dir/data-directory.js';
import type { DataDirectory } from '../data-dir/data-directory.js';
import { DataDirectoryError, rebuildAdvice } from '../errors.js';
import { defaultThreadMode, launchThread } from '../thread/launch.js';
import type { FromThread, ThreadOptions } from '../thread/protocol.js';
import { resolveOptions } from './options.js';
import type { ReplicaOptions, ResolvedOptions } from './options.js';
import { EmbeddedReplica } from './replica.js';
import type { Replica } from './replica.js';
import { ReplicaState, restoreState } from './state.js';

/**
 * Opens one replica of an embedded Raft group: checks and locks its directory, restores the newest
 * snapshot, starts the consensus thread (which replays the log) and joins its peers. Resolves once
 * the peer port is open; a leader may not be known yet.
 *
 * Throws DataDirectoryError (in use, not writable, of another member, damaged), or Error when the port
 * cannot be had; each message says what to do. Close it before opening the directory again.
 */
export async function openReplica(given: ReplicaOptions): Promise<Replica> {
  const options = resolveOptions(given);
  const directory = openDataDirectory(options.dataDir, options);
  try {
    return await start(options, directory);
  } catch (error) {
    directory.release();
    throw error;
  }
}

async function start(options: ResolvedOptions, directory: DataDirectory): Promise<Replica> {
  const restored = restoreState(directory.snapshotDirectory, (path, error) => {
    options.onWarning(`a snapshot does not hold and was put aside as ${path}: ${error.message}`);
  });
  const session = randomInt(1, 2 ** 48 - 1);
  const state = new ReplicaState(session, restored);
  const replica = new EmbeddedReplica({ options, directory, session, state });
  let running = false;
  const threadOptions: ThreadOptions = {
    clusterId: options.clusterId,
    memberId: options.memberId,
    members: directory.members,
    host: options.listen.host,
    port: options.listen.port,
    tls: options.tls,
    logDirectory: directory.logDirectory,
    snapshotDirectory: directory.snapshotDirectory,
    restored: restored?.metadata,
    tickMs: options.tickMs,
    electionTicks: options.electionTicks,
    heartbeatTicks: options.heartbeatTicks,
    segmentBytes: options.segmentBytes,
    logKeepBytes: options.logKeepBytes,
  };
  await new Promise<void>((resolve, reject) => {
    const thread = launchThread(options.threadMode ?? defaultThreadMode, threadOptions, (error) => {
      if (running) replica.threadLost(error);
      else reject(error);
    });
    replica.attach(thread);
    thread.port.on('message', (message) => {
      if (message.kind === 'started') {
        running = true;
        replica.receive(message);
        resolve();
      } else if (message.kind === 'failed') {
        void thread.end().then(() => reject(revive(message)));
      } else {
        replica.receive(message);
      }
    });
  });
  return replica;
}

/** Errors lose their class when they cross threads. */
function revive({ name, code, message }: Extract<FromThread, { kind: 'failed' }>): Error {
  if (name === 'DataDirectoryError') return new DataDirectoryError((code ?? 'Damaged') as 'Damaged', message);
  if (name === 'RaftInvariantError') {
    return new DataDirectoryError('Damaged', `the log contradicts itself: ${message}. ${rebuildAdvice}`);
  }
  return new Error(message);
}
